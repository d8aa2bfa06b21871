// One conversation: its messages, what its people are doing, and the message box. A channel is one, a thread is one.

import { Composer } from "./composer.js";
import { el, text } from "./dom.js";
import { count } from "./format.js";
import { enlarge } from "./lightbox.js";
import { MessageList } from "./list.js";
import { suggestionGroup } from "./suggestions.js";
import { toast } from "./toast.js";

export class Conversation {
  place = null; // {channel, thread}: `thread` is the root message of a Slack thread

  /** `acts` has request(action), upload(file), openThread(message), spoke(place) and coach(). */
  constructor({ platform, store, acts, name, panel = false }) {
    Object.assign(this, { platform, store, acts, panel });
    this.list = new MessageList(platform, store, {
      openThread: (message) => acts.openThread(message),
      press: (message, button) => this.#press(message, button),
      threadLink: (message) => this.#threadLink(message),
      canReply: (message) => platform === "slack" && !panel && !message.only_for,
      entries: (message) => this.#entries(message),
      enlarge,
    }, name);
    this.composer = new Composer({
      name, platform, store, commands: !panel,
      acts: {
        deliver: (request) => this.#deliver(request),
        upload: (file) => acts.upload(file),
        complete: (command, option, typed) => this.#complete(command, option, typed),
        ideas: panel ? null : () => this.#toggleIdeas(),
      },
    });
    this.status = el("div", { class: "status", testid: `status-${name}`, role: "status" });
    this.empty = el("div", { class: "empty", testid: `empty-${name}`, hidden: true });
    this.ideas = el("div", { class: "ideas", hidden: true });
    this.list.element.append(this.empty);
    this.element = el(
      "div", { class: "conversation" }, this.list.element,
      el("div", { class: "foot" }, this.ideas, this.status, this.composer.element),
    );
  }

  /** Show a channel, or a thread of Slack. */
  show(place) {
    this.place = place;
    const label = this.#label();
    this.composer.label(place.thread ? "Reply in thread" : `Message ${label}`);
    this.list.show(this.messages(), `Messages in ${label}`);
    this.#settle();
  }

  /** Everything may have changed: another person, a fresh snapshot. */
  sync() {
    this.list.sync(this.messages());
    this.#settle();
  }

  /** A message is new or changed. Returns whether it belongs here. */
  take(message) {
    if (!this.holds(message)) return false;
    const messages = this.messages();
    const place = messages.findIndex((one) => one.id === message.id);
    if (place < 0) return true; // what a thread repeats of the message that opened it
    this.list.put(message, messages[place + 1]);
    this.#settle();
    return true;
  }

  /** Show nothing any more. */
  clear() {
    this.place = null;
    this.list.show([], "");
  }

  drop(id) {
    this.list.remove(id);
    this.#settle();
  }

  /** Whether a message is part of this conversation, for the person one speaks as. */
  holds(message) {
    if (!this.place || !this.store.sees(message)) return false;
    if (message.opens && message.opens === this.place.channel) return true;
    if (message.channel !== this.place.channel) return false;
    if (this.place.thread) return message.thread === this.place.thread || message.id === this.place.thread;
    return message.thread === null;
  }

  messages() {
    const { channel } = this.place;
    const state = this.#state();
    const parent = state.channels.get(channel)?.parent;
    const starter = parent && state.inChannel(parent).find((message) => message.opens === channel);
    const own = state.inChannel(channel).filter((message) => this.holds(message));
    if (!starter) return own;
    const repeated = own[0]?.author === starter.author && own[0].html === starter.html;
    return [starter, ...(repeated ? own.slice(1) : own)];
  }

  showStatus() {
    const words = this.place ? this.#state().status(this.place.channel, this.place.thread) : "";
    text(this.status, words);
    this.status.classList.toggle("busy", words !== "");
  }

  #state() {
    return this.store.platforms[this.platform];
  }

  /** The way into a message's thread, if it has one and is not shown in it. */
  #threadLink(message) {
    if (this.panel || message.opens === this.place.channel) return "";
    if (message.opens) return this.#state().channels.get(message.opens)?.name ?? "Thread";
    return message.replies > 0 ? count(message.replies, "reply", "replies") : "";
  }

  #label() {
    const channel = this.#state().channels.get(this.place.channel);
    return channel.kind === "channel" ? `#${channel.name}` : channel.name;
  }

  /** What follows from the messages that are there: the root's mark, the empty state, the status line. */
  #settle() {
    const messages = this.messages();
    this.#markRoot(messages);
    this.showStatus();
    const empty = messages.length === 0;
    this.empty.hidden = !empty;
    if (empty) this.#fillEmpty();
  }

  #markRoot(messages) {
    const { channel, thread } = this.place;
    const isRoot = (message) => message && (message.id === thread || message.opens === channel);
    const first = this.list.inner.firstElementChild;
    if (!first || !isRoot(messages[0])) return;
    first.classList.add("root");
    const replies = messages.length - 1;
    first.dataset.replies = replies === 0 ? "No replies yet" : count(replies, "reply", "replies");
  }

  #facts() {
    const direct = this.#state().channels.get(this.place.channel).kind !== "channel";
    return { platform: this.#state(), direct, me: this.store.me, offline: /offline/i.test(this.store.bot.model_label) };
  }

  #fillEmpty() {
    const facts = this.#facts();
    const name = facts.platform.botName;
    const how = facts.direct
      ? `This is your conversation with ${name}. Just write.`
      : `Write @${name} and a question. The answer comes in a thread, so the channel stays readable.`;
    const prompts = this.#state().prompts[this.place.channel] ?? [];
    const ideas = prompts.length > 0 ? this.#prompts(prompts) : suggestionGroup(facts, (idea) => this.#try(idea));
    this.empty.replaceChildren(el("h3", {}, this.#label()), el("p", {}, how), ideas);
  }

  /** What the app itself suggests here. */
  #prompts(prompts) {
    const buttons = prompts.map(({ title, text: words }) => el(
      "button",
      { type: "button", class: "suggestion", testid: "prompt", onclick: () => this.#try({ text: words }) },
      el("b", {}, title), el("span", {}, words),
    ));
    return el("div", { class: "suggestions", role: "group", "aria-label": "Suggested prompts" }, ...buttons);
  }

  #toggleIdeas() {
    this.ideas.hidden = !this.ideas.hidden;
    if (this.ideas.hidden) return;
    this.ideas.replaceChildren(suggestionGroup(this.#facts(), (idea) => {
      this.ideas.hidden = true;
      this.#try(idea);
    }));
    this.ideas.querySelector("button").focus();
  }

  async #try(idea) {
    const request = idea.command
      ? { action: "command", name: idea.command, options: idea.options }
      : { action: "speak", text: idea.text };
    const files = (idea.files?.() ?? []).map((file) => ({ file, done: this.acts.upload(file) }));
    if (!this.ideas.hidden) this.ideas.hidden = true;
    this.composer.focus();
    await this.composer.deliver({ request, words: idea.text ?? "", files });
    if (idea.coach) this.acts.coach();
  }

  async #deliver(request) {
    const { channel, thread } = this.place;
    this.list.toEnd();
    const where = { platform: this.platform, person: this.store.me, channel };
    const speaks = request.action === "speak";
    const { message } = await this.acts.request({ ...where, ...request, ...(speaks ? { thread } : {}) });
    if (speaks && !thread) this.acts.spoke({ channel, message });
  }

  async #complete(command, option, typed) {
    const { message } = await this.acts.request({
      action: "complete", platform: this.platform, person: this.store.me, channel: this.place.channel, command, option, typed,
    });
    return message;
  }

  /** The entries of a message's menu: the app's, and what the person may do with it. */
  #entries(message) {
    if (message.only_for) return [];
    const mine = message.author === this.store.me;
    const entries = this.#state().menus.map(({ id, label }) => ({
      name: id, label, run: () => this.#act(message, { action: "choose", menu: id }).catch(() => null),
    }));
    if (mine) {
      const save = (words) => this.#act(message, { action: "amend", text: words });
      entries.push({ name: "edit", label: "Edit message", run: () => this.list.edit(message.id, save) });
    }
    if (mine || this.store.person(this.store.me)?.administrator) {
      const run = () => this.#act(message, { action: "retract" }).catch(() => null);
      entries.push({ name: "delete", label: "Delete message", danger: true, run });
    }
    return entries;
  }

  async #press(message, button) {
    await this.#act(message, { action: "press", button: button.id }).catch(() => null);
  }

  /** Do something with a message; what the platform refuses is shown, and thrown. */
  async #act(message, action) {
    try {
      const { message: said } = await this.acts.request({
        ...action, platform: this.platform, person: this.store.me, channel: message.channel, message: message.id,
      });
      if (said) toast(said, "note");
    } catch (error) {
      toast(error.message);
      throw error;
    }
  }
}
