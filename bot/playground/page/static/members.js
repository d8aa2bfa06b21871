// Discord's member list, hidden until it is wanted.

import { avatar, el, iconButton } from "./dom.js";

export class Members {
  constructor() {
    this.element = el("aside", { class: "members", testid: "members", "aria-label": "Members", hidden: true });
    this.toggle = iconButton("members", "Members", {
      testid: "members-toggle", "data-tip": "Members", "aria-expanded": "false", onclick: () => this.#toggle(),
    });
  }

  /** List the bot and everybody else. */
  fill(botName, people) {
    const bot = { id: "bot", name: botName, initials: "P", role: "App" };
    const rows = [bot, ...people].map((one) => {
      const role = one.role ?? (one.administrator ? "Administrator" : "Member");
      return el("li", {}, avatar(one.id, one.initials), el("span", {}, el("b", {}, one.name), el("small", {}, role)));
    });
    this.element.replaceChildren(el("h2", {}, "Members"), el("ul", {}, ...rows));
  }

  #toggle() {
    this.element.hidden = !this.element.hidden;
    this.toggle.setAttribute("aria-expanded", String(!this.element.hidden));
  }
}
