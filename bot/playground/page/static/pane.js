// One platform on the page: channels at the side, the open channel, and a thread beside or above it.

import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Conversation } from "./conversation.js";
import { attribute, avatar, el, icon, iconButton, text } from "./dom.js";
import { acceptDrops } from "./dropzone.js";
import { openForm } from "./form.js";
import { Home } from "./home.js";
import { Members } from "./members.js";
import { Sidebar } from "./sidebar.js";

const FOLLOWED = 120; // seconds after speaking during which an answer's thread opens by itself

export class Pane {
  current = null; // id of the open channel
  connections = []; // elements that say whether the bot is connected
  #spoken = null; // {channel, message, at}: what this page said last

  /** `acts` has request(action), upload(file), start() and coach(). */
  constructor(platform, store, acts) {
    Object.assign(this, { platform, store });
    this.request = acts.request;
    this.home = platform === "slack" ? new Home((place) => this.#visit(place)) : null;
    const shared = {
      platform, store,
      acts: {
        ...acts,
        openThread: (message) => this.openThread(message),
        spoke: (said) => {
          this.#spoken = { ...said, at: Date.now() / 1000 };
          this.#follow();
        },
      },
    };
    this.main = new Conversation({ ...shared, name: platform });
    this.thread = platform === "slack" ? new Conversation({ ...shared, name: `${platform}-thread`, panel: true }) : null;
    this.sidebar = new Sidebar(platform, store, (channel) => this.open(channel, { focus: true }));
    this.banner = new Banner(platform, store, acts.start);
    this.announcer = new Announcer();
    this.#build();
    this.#listen();
  }

  /** Open a channel, a direct message or a thread of Discord. */
  open(channel, { focus = false } = {}) {
    this.current = channel;
    this.closeThread();
    this.element.classList.remove("drawer-open");
    this.sidebar.read(channel);
    this.sidebar.show(channel);
    this.#showHead();
    this.main.show({ channel, thread: null });
    this.home?.enter(this.#channel().kind === "dm");
    if (focus) this.main.composer.focus();
  }

  /** Open the thread of a message: Slack beside the channel, Discord in its place. */
  openThread(message, { focus = true } = {}) {
    if (this.platform === "discord") {
      if (this.#state().channels.has(message.opens)) this.open(message.opens, { focus });
      return;
    }
    this.element.classList.add("with-thread");
    this.threadPanel.hidden = false;
    this.threadRoot = message.thread ?? message.id;
    this.#showThreadTitle();
    this.thread.show({ channel: message.channel, thread: message.thread ?? message.id });
    if (focus) this.thread.composer.focus();
  }

  closeThread() {
    if (!this.thread?.place) return;
    this.#spoken = null; // who closes a thread does not want it back with the next edit
    this.thread.clear();
    this.threadPanel.hidden = true;
    this.element.classList.remove("with-thread");
  }

  #state() {
    return this.store.platforms[this.platform];
  }

  #channel() {
    return this.#state().channels.get(this.current);
  }

  #build() {
    const name = this.platform === "slack" ? "Slack" : "Discord";
    this.header = el("header", { class: "pane-head" });
    const pages = this.home ? [this.home.tabs, this.home.page] : [];
    const main = el("div", { class: "main" }, this.header, ...pages, this.main.element);
    this.element = el(
      "section",
      { class: `pane ${this.platform}`, id: `pane-${this.platform}`, testid: `pane-${this.platform}`, "aria-label": name },
      el("div", { class: "pane-inner" }, this.sidebar.element, main, ...this.#side(), this.banner.element),
      this.announcer.element,
    );
    this.#buildHead(name);
    acceptDrops(this.element, (files) => {
      const { composer } = this.thread?.place ? this.thread : this.main;
      composer.attachments.add(files);
      composer.focus();
    });
    this.element.addEventListener("keydown", (event) => this.#escape(event));
  }

  #side() {
    if (this.thread) {
      this.threadWhere = el("span", { class: "where" });
      const connection = this.#connectionState(`${this.platform}-thread`);
      const onclick = () => { this.closeThread(); this.main.composer.focus(); };
      const close = iconButton("close", "Close the thread", { testid: "thread-close", "data-tip": "Close", onclick });
      this.threadPanel = el(
        "aside", { class: "thread-panel", testid: "thread-panel", "aria-label": "Thread", hidden: true },
        el("header", { class: "pane-head" }, el("h2", { class: "grow" }, "Thread ", this.threadWhere), connection, close),
        this.thread.element,
      );
      return [this.threadPanel];
    }
    this.members = new Members();
    return [this.members.element];
  }

  /** The channel's head has one, and the thread's for when it covers the channel. */
  #connectionState(name) {
    const element = el("span", { class: "connection", testid: `connection-${name}` });
    this.connections.push(element);
    return element;
  }

  #buildHead(name) {
    const toggle = () => this.element.classList.toggle("drawer-open");
    const back = () => this.open(this.#channel().parent, { focus: true });
    this.title = el("h2", { class: "grow" });
    this.back = this.platform === "slack" ? null : iconButton("back", "Back to the channel", {
      testid: "thread-back", onclick: back, hidden: true,
    });
    this.header.append(
      iconButton("menu", `${name} channels`, { class: "tool drawer", testid: `channels-${this.platform}`, onclick: toggle }),
      ...(this.back ? [this.back] : []), this.title, this.#connectionState(this.platform),
    );
    if (this.members) this.header.append(this.members.toggle);
  }

  #listen() {
    this.store.on("snapshot", () => this.#refresh());
    this.store.on("me", () => this.#refresh());
    this.store.on("bot", () => this.banner.show());
    const here = (react) => (platform, ...facts) => { if (platform.name === this.platform) react(...facts); };
    this.store.on("message", here((message, before) => this.#message(message, before)));
    this.store.on("removed", here((change) => this.#conversations().forEach((one) => one.drop(change.message))));
    this.store.on("channel", here((change) => this.#channelShown(change.channel)));
    this.store.on("status", here(() => this.#conversations().forEach((one) => one.showStatus())));
    this.store.on("connection", here(() => { this.banner.show(); this.#showHead(); }));
    this.store.on("commands", here(() => this.main.sync()));
    this.store.on("scenery", here(() => this.#scenery()));
    this.store.on("form", here((change) => this.#form(change)));
  }

  /** Tell the platform that a person has opened a page of the bot; where there is none, nothing happens. */
  #visit(place) {
    this.home.fill(this.#state().homes.find((home) => home.person === this.store.me));
    this.request({ action: "visit", platform: this.platform, person: this.store.me, place }).catch(() => null);
  }

  #scenery() {
    this.home?.fill(this.#state().homes.find((home) => home.person === this.store.me));
    if (this.thread?.place) this.#showThreadTitle();
    this.main.sync();
  }

  #form({ person, form }) {
    if (person !== this.store.me) return;
    openForm(form, (values) => this.request({ action: "submit", platform: this.platform, person, form: form.id, values }));
  }

  #showThreadTitle() {
    const channel = this.#channel();
    const title = this.#state().titles[`${channel.id} ${this.threadRoot}`];
    text(this.threadWhere, title ?? (channel.kind === "dm" ? channel.name : `#${channel.name}`));
  }

  #conversations() {
    return this.thread?.place ? [this.main, this.thread] : [this.main];
  }

  #refresh() {
    const mine = this.#state().channelsFor(this.store.me);
    this.banner.show();
    this.members?.fill(this.#state().botName, this.store.people);
    if (!mine.some((channel) => channel.id === this.current)) {
      const kind = this.current && this.#channel()?.kind === "dm" ? "dm" : "channel";
      this.open(mine.find((channel) => channel.kind === kind)?.id ?? mine[0].id);
      return;
    }
    this.sidebar.show(this.current);
    this.#showHead();
    for (const conversation of this.#conversations()) conversation.sync();
  }

  #channelShown(channel) {
    this.sidebar.show(this.current);
    this.#showHead();
    for (const message of this.#state().inChannel(channel.parent)) {
      if (message.opens === channel.id) this.main.take(message); // its link gets the thread's name
    }
    this.#follow();
  }

  #message(message, before) {
    const shown = this.#conversations().filter((conversation) => conversation.take(message)).length > 0;
    const inOpenThread = message.thread && message.channel === this.current;
    if (!before && !shown && !inOpenThread && message.author !== this.store.me && this.store.sees(message)) {
      this.sidebar.unread(message.channel);
      this.sidebar.show(this.current);
    }
    if (this.store.sees(message)) this.announcer.message(message, !before);
    this.#follow();
  }

  /** Open the thread in which the answer to the person's own question arrives, unless they are writing something else. */
  #follow() {
    const recently = this.#spoken?.channel === this.current && Date.now() / 1000 - this.#spoken.at < FOLLOWED;
    if (!recently || this.thread?.place || !this.main.composer.blank) return;
    const root = this.#state().get(this.#spoken.channel, this.#spoken.message);
    const answered = this.platform === "slack" ? root?.replies > 0 : this.#state().channels.has(root?.opens);
    if (!answered) return;
    this.#spoken = null;
    this.openThread(root, { focus: this.main.element.contains(document.activeElement) });
  }

  #showHead() {
    const channel = this.#channel();
    const state = this.#state();
    if (!channel) return;
    const mark = channel.kind === "dm" ? avatar("bot", "P") : icon(channel.kind === "thread" ? "thread" : "hash");
    this.title.replaceChildren(mark, el("span", { class: "title-name" }, channel.name));
    if (this.back) this.back.hidden = !channel.parent;
    const words = state.connected ? "connected" : "not connected";
    for (const connection of this.connections) {
      attribute(connection, "data-connected", String(state.connected));
      attribute(connection, "data-tip", `${state.botName} is ${words}`);
      text(connection, words);
    }
  }

  #escape(event) {
    if (event.key !== "Escape") return;
    if (this.element.classList.contains("drawer-open")) this.element.classList.remove("drawer-open");
    else if (this.threadPanel?.contains(event.target)) {
      this.closeThread();
      this.main.composer.focus();
    }
  }
}
