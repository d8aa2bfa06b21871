// What a pane says while the bot is not there. It lies over the messages, so nothing moves when it comes and goes.

import { el } from "./dom.js";

/** `start()` starts the bot's process again. */
export class Banner {
  #shown = "";

  constructor(platform, store, start) {
    Object.assign(this, { platform, store, start });
    this.element = el("div", { class: "banner", testid: `banner-${platform}`, role: "status", hidden: true });
  }

  show() {
    const { bot } = this.store;
    const { connected, botName } = this.store.platforms[this.platform];
    const key = JSON.stringify([bot.state, bot.last_lines, connected]);
    if (key === this.#shown) return;
    this.#shown = key;
    const sentence = sentences(botName)[bot.state === "running" && connected ? "fine" : bot.state];
    this.element.hidden = !sentence;
    this.element.dataset.state = bot.state;
    this.element.replaceChildren(...(sentence ? this.#parts(sentence, bot) : []));
  }

  #parts(sentence, bot) {
    const parts = [el("span", { class: "grow" }, sentence)];
    if (bot.state === "killed" || bot.state === "stopped") {
      const onclick = () => this.start();
      const facts = { type: "button", class: "button primary", testid: `banner-start-${this.platform}`, onclick };
      parts.push(el("button", facts, "Start the bot"));
    }
    if (bot.state === "stopped" && bot.last_lines.length > 0) {
      parts.push(el("details", {}, el("summary", {}, "Its last words"), el("pre", {}, bot.last_lines.join("\n"))));
    }
    return parts;
  }
}

function sentences(name) {
  return {
    fine: "",
    starting: `${name} is starting.`,
    restarting: `${name} is starting again.`,
    killed: `${name} was killed. What it was doing is stored: start it and it goes on.`,
    stopped: `${name} is not running. It stopped by itself.`,
    running: `${name} has lost its connection and is coming back.`,
  };
}
