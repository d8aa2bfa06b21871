// The messages of one conversation: keyed, in order, following the newest unless the person scrolled up.

import { el, text } from "./dom.js";
import { count } from "./format.js";
import { MessageElement } from "./message.js";

const NEAR = 60; // pixels from the end that still count as reading the newest message
const TOGETHER = 300; // seconds within which messages of one author share a heading

export class MessageList {
  #elements = new Map(); // by message id, for this conversation
  #following = true;
  #unseen = 0;
  #top = 0; // where it was scrolled to last
  #platform;
  #store;
  #acts;

  constructor(platform, store, acts, label) {
    this.#platform = platform;
    this.#store = store;
    this.#acts = acts;
    this.inner = el("div", { class: "list-inner" });
    this.scroller = el(
      "div",
      { class: "list", testid: `messages-${label}`, role: "log", "aria-live": "off", tabindex: "0" },
      this.inner,
    );
    this.pill = el(
      "button", { type: "button", class: "pill", testid: "new-messages", hidden: true, onclick: () => this.toEnd() },
    );
    this.element = el("div", { class: "list-box" }, this.scroller, this.pill);
    this.#keepPlace();
  }

  /** Show another conversation from its newest message on. */
  show(messages, label) {
    this.scroller.setAttribute("aria-label", label);
    this.#elements.clear();
    const made = messages.map((message) => this.#make(message));
    this.inner.replaceChildren(...made.map((one) => one.element));
    for (const one of made) this.#group(one.element);
    this.toEnd();
  }

  /** Make the shown conversation equal to these messages, keeping elements and place. */
  sync(messages) {
    const wanted = new Set(messages.map((message) => message.id));
    for (const id of [...this.#elements.keys()]) if (!wanted.has(id)) this.remove(id);
    messages.forEach((message, place) => this.put(message, messages[place + 1]));
  }

  /** Show a message or its newest state. `next` is the one behind it, if there is one. */
  put(message, next) {
    const shown = this.#elements.get(message.id);
    if (shown) {
      shown.update(message);
      return;
    }
    const { element } = this.#make(message);
    const behind = next && this.#elements.get(next.id)?.element;
    if (behind) behind.before(element);
    else this.inner.append(element);
    this.#group(element);
    if (element.nextElementSibling) this.#group(element.nextElementSibling);
    this.#count(message);
  }

  remove(id) {
    const shown = this.#elements.get(id);
    if (!shown) return;
    const next = shown.element.nextElementSibling;
    shown.element.remove();
    this.#elements.delete(id);
    if (next) this.#group(next);
  }

  has(id) {
    return this.#elements.has(id);
  }

  /** Edit a message in its place. */
  edit(id, save) {
    this.#elements.get(id)?.edit(save);
  }

  toEnd() {
    this.#following = true;
    this.#unseen = 0;
    this.pill.hidden = true;
    this.#stick();
  }

  #make(message) {
    const initials = message.author === "bot" ? "P" : (this.#store.person(message.author)?.initials ?? "?");
    const made = new MessageElement(message, this.#platform, initials, this.#acts);
    this.#elements.set(message.id, made);
    return made;
  }

  /** Messages of one author in a row share avatar and name. */
  #group(element) {
    const message = this.#elements.get(element.dataset.id)?.message;
    const before = this.#elements.get(element.previousElementSibling?.dataset.id)?.message;
    const together =
      message && before && message.author === before.author && !message.note && !message.only_for && !before.only_for &&
      message.thread !== before.id && !before.opens && message.at - before.at < TOGETHER;
    element.classList.toggle("continued", Boolean(together));
  }

  #count(message) {
    if (this.#following || message.author === this.#store.me) {
      this.toEnd();
      return;
    }
    this.#unseen += 1;
    text(this.pill, `${this.#unseen} new ↓`);
    this.pill.setAttribute("aria-label", `${count(this.#unseen, "new message", "new messages")}, go to the end`);
    this.pill.hidden = false;
  }

  #keepPlace() {
    const sizes = new ResizeObserver(() => { if (this.#following) this.#stick(); });
    sizes.observe(this.inner);
    sizes.observe(this.scroller);
    // Content that grows moves the end away without anybody scrolling: only a movement upwards lets go of it.
    this.scroller.addEventListener("scroll", () => {
      const { scrollTop, clientHeight } = this.scroller;
      if (clientHeight === 0) return; // the pane is hidden
      const upwards = scrollTop < this.#top - 1;
      this.#top = scrollTop;
      if (this.#distance() < NEAR) this.toEnd();
      else if (upwards) this.#following = false;
    }, { passive: true });
  }

  #distance() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  #stick() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
  }
}
