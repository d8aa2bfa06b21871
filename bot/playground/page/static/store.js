// What the page knows: both platforms as the server told them, the bot's process, and whom one speaks as.

const keyOf = (message) => `${message.channel}/${message.id}`;

/** One platform: channels and messages, each channel's messages in order of time. */
class Platform {
  constructor(view) {
    Object.assign(this, { name: view.platform, title: view.title, connected: view.bot_connected });
    Object.assign(this, { botName: view.bot_name, commands: view.commands });
    this.channels = new Map(view.channels.map((channel) => [channel.id, channel]));
    this.messages = new Map();
    this.order = new Map();
    this.statuses = new Map();
    this.dress(view);
    for (const message of view.messages) this.put(message);
  }

  put(message) {
    const key = keyOf(message);
    const before = this.messages.get(key);
    this.messages.set(key, message);
    const list = this.inChannel(message.channel);
    if (before) {
      list[list.findIndex((one) => one.id === message.id)] = message;
      return before;
    }
    let place = list.length;
    while (place > 0 && list[place - 1].at > message.at) place -= 1;
    list.splice(place, 0, message);
    return null;
  }

  remove(channel, id) {
    this.messages.delete(keyOf({ channel, id }));
    const list = this.inChannel(channel);
    const place = list.findIndex((one) => one.id === id);
    if (place >= 0) list.splice(place, 1);
  }

  /** Menus of messages, suggested prompts, home pages and titles of conversations. */
  dress({ menus, prompts, homes, titles }) {
    Object.assign(this, { menus, prompts, homes, titles });
  }

  get(channel, id) {
    return this.messages.get(keyOf({ channel, id }));
  }

  inChannel(channel) {
    if (!this.order.has(channel)) this.order.set(channel, []);
    return this.order.get(channel);
  }

  status(channel, thread) {
    return this.statuses.get(`${channel}/${thread ?? ""}`) ?? "";
  }

  /** The channels that a person sees: direct messages are their own. */
  channelsFor(person) {
    return [...this.channels.values()].filter((channel) => channel.kind !== "dm" || channel.person === person);
  }
}

export class Store {
  people = [];
  platforms = {};
  bot = { state: "starting", last_lines: [], model_label: "", model_hint: "" };
  me = localStorage.getItem("person") ?? "ada";
  online = false;
  #listeners = new Map();

  /** Listen to `snapshot`, `message`, `removed`, `channel`, `status`, `connection`, `commands`, `scenery`, `form`, `bot`, `me` or `online`. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, []);
    this.#listeners.get(event).push(listener);
  }

  receive(told) {
    if (told.type === "snapshot") this.#snapshot(told);
    else for (const change of told.changes) this.#change(change);
  }

  speakAs(person) {
    this.me = person;
    localStorage.setItem("person", person);
    this.#emit("me");
  }

  setOnline(online) {
    this.online = online;
    this.#emit("online");
  }

  person(id) {
    return this.people.find((person) => person.id === id);
  }

  /** Whether the person one speaks as can see the message. */
  sees(message) {
    return message.only_for === null || message.only_for === this.me;
  }

  #snapshot(told) {
    this.people = told.people;
    this.bot = told.bot;
    this.platforms = { slack: new Platform(told.slack), discord: new Platform(told.discord) };
    if (!this.person(this.me)) this.me = this.people[0].id;
    for (const status of told.statuses) this.#change(status);
    this.#emit("snapshot");
  }

  #change(change) {
    const platform = this.platforms[change.platform];
    switch (change.kind) {
      case "message":
        this.#emit("message", platform, change.message, platform.put(change.message));
        return;
      case "removed":
        platform.remove(change.channel, change.message);
        break;
      case "channel":
        platform.channels.set(change.channel.id, change.channel);
        break;
      case "status":
        platform.statuses.set(`${change.channel}/${change.thread ?? ""}`, change.text);
        break;
      case "connection":
        platform.connected = change.connected;
        break;
      case "commands":
        platform.commands = change.commands;
        break;
      case "scenery":
        platform.dress(change);
        break;
      case "bot":
        this.bot = change.bot;
        break;
    }
    this.#emit(change.kind, platform, change);
  }

  #emit(event, ...facts) {
    for (const listener of this.#listeners.get(event) ?? []) listener(...facts);
  }
}
