// Tells a screen reader about answers: once when one begins, once with its text when no edit has come for a while.

import { el } from "./dom.js";
import { words } from "./html.js";

const QUIET = 1500; // milliseconds without an edit after which an answer counts as finished
const LONGEST = 400; // characters that are read out

export class Announcer {
  #timers = new Map();

  constructor() {
    this.element = el("div", { class: "away", "aria-live": "polite" });
  }

  message(message, isNew) {
    if (message.author !== "bot") return;
    if (isNew) this.#say(`${message.author_name} answers`);
    clearTimeout(this.#timers.get(message.id));
    this.#timers.set(message.id, setTimeout(() => {
      this.#timers.delete(message.id);
      this.#say(`${message.author_name}: ${words(message.html).slice(0, LONGEST)}`);
    }, QUIET));
  }

  #say(sentence) {
    this.element.textContent = sentence;
  }
}
