// The bar above both panes: which model, which person, which theme, and the bot's life.

import { attribute, avatar, el, icon, text } from "./dom.js";
import { toast } from "./toast.js";

const STATES = {
  starting: "Starting", running: "Running", killed: "Killed", restarting: "Restarting", stopped: "Stopped",
};
const COACHED = 25000; // milliseconds that the bubble stays
const UNDER_POINTER = 500; // milliseconds in which a click on a button that has just appeared was meant for another one
const LIMITED = 10; // seconds of 429

export class TopBar {
  killShown = -Infinity; // when the kill button took the start button's place

  /** `acts` has request(action). */
  constructor(element, store, acts) {
    Object.assign(this, { element, store, acts });
    this.model = el("span", { class: "model" });
    this.badge = el("button", { type: "button", class: "badge", testid: "model-badge", "data-tap": "" }, this.model);
    element.append(
      el("h1", {}, "Parley ", el("span", {}, "playground")), this.badge, this.#tabs(),
      el("div", { class: "controls" }, this.#people(), this.#themes(), this.#trouble(), this.#life()),
    );
    store.on("snapshot", () => this.#show());
    store.on("bot", () => this.#show());
    store.on("me", () => this.#show());
    this.choose("slack");
  }

  /** Show one pane where there is room for one only. */
  choose(platform) {
    document.body.dataset.pane = platform;
    for (const tab of this.tabs) {
      const chosen = tab.dataset.pane === platform;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen) delete tab.dataset.news;
    }
  }

  /** Mark the tab of a pane in which something has happened. */
  news(platform) {
    if (document.body.dataset.pane !== platform) this.tabs.find((tab) => tab.dataset.pane === platform).dataset.news = "";
  }

  /** Ask the person to kill the bot now. */
  coach() {
    this.bubble.hidden = false;
    clearTimeout(this.coaching);
    this.coaching = setTimeout(() => { this.bubble.hidden = true; }, COACHED);
  }

  async start() {
    await this.#do({ action: "start" });
  }

  #tabs() {
    this.tabs = [["slack", "Slack"], ["discord", "Discord"]].map(([platform, name]) =>
      el(
        "button",
        {
          type: "button", role: "tab", class: "tab", testid: `tab-${platform}`, "data-pane": platform,
          "aria-controls": `pane-${platform}`, onclick: () => this.choose(platform),
        },
        name,
      ),
    );
    const onkeydown = (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = this.tabs.find((tab) => tab !== event.target);
      this.choose(other.dataset.pane);
      other.focus();
    };
    return el("div", { class: "tabs", role: "tablist", "aria-label": "Platforms", onkeydown }, ...this.tabs);
  }

  #people() {
    this.face = el("span", { class: "face" });
    this.people = el("select", {
      testid: "person-select", "aria-label": "Speak as", onchange: (event) => this.store.speakAs(event.target.value),
    });
    return el("label", { class: "choice person", "data-tip": "Whom you speak as" }, this.face, this.people);
  }

  #themes() {
    const root = document.documentElement;
    const onchange = (event) => {
      root.dataset.theme = event.target.value;
      localStorage.setItem("theme", event.target.value);
    };
    const options = [["auto", "Automatic"], ["light", "Light"], ["dark", "Dark"]].map(([value, name]) =>
      el("option", { value, selected: root.dataset.theme === value }, name),
    );
    return el(
      "label", { class: "choice theme", "data-tip": "Theme" }, icon("theme"),
      el("select", { testid: "theme-select", "aria-label": "Theme", onchange }, ...options),
    );
  }

  #trouble() {
    const item = (platform, name, action, words) => {
      const limiting = action === "limit_rate";
      const label = limiting ? `Rate limit ${LIMITED} s` : "Drop connection";
      const testid = `${limiting ? "limit-rate" : "drop-connection"}-${platform}`;
      const onclick = async () => {
        this.menu.open = false;
        const facts = limiting ? { seconds: LIMITED } : {};
        if (await this.#do({ action, platform, ...facts })) toast(words, "done");
      };
      return el("button", { type: "button", testid, "aria-label": `${name}: ${label}`, onclick }, label);
    };
    const group = (platform, name) =>
      el(
        "div", { role: "group", "aria-label": name }, el("span", { class: "menu-head" }, name),
        item(platform, name, "limit_rate", `${name} answers 429 to the bot for ${LIMITED} seconds.`),
        item(platform, name, "drop_connection", `${name} cut the bot's connection. It has to come back by itself.`),
      );
    this.menu = el(
      "details", { class: "menu" },
      el("summary", { testid: "trouble-menu", "aria-label": "Make trouble" }, icon("bolt"), el("span", {}, "Make trouble")),
      el("div", { class: "menu-list" }, group("slack", "Slack"), group("discord", "Discord")),
    );
    document.addEventListener("pointerdown", (event) => { if (!this.menu.contains(event.target)) this.menu.open = false; });
    this.menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.menu.open = false;
      this.menu.querySelector("summary").focus();
    });
    return this.menu;
  }

  #life() {
    this.state = el("span", { class: "state", testid: "bot-state", role: "status" });
    const kill = () => {
      if (performance.now() - this.killShown >= UNDER_POINTER) this.#do({ action: "kill" });
    };
    const tip = "Ends its process with SIGKILL";
    const killing = { type: "button", class: "button danger", testid: "kill-bot", "data-tip": tip, onclick: kill };
    this.kill = el("button", killing, "Kill the bot");
    const start = () => this.start();
    const starting = { type: "button", class: "button primary", testid: "start-bot", onclick: start, hidden: true };
    this.begin = el("button", starting, "Start the bot");
    this.bubble = el(
      "div", { class: "coach", testid: "coach", role: "status", hidden: true },
      "It is counting. Kill it now, then start it again: the same message goes on.",
    );
    return el("div", { class: "life" }, this.state, this.kill, this.begin, this.bubble);
  }

  async #do(action) {
    try {
      await this.acts.request(action);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    }
  }

  #show() {
    const { bot, people, me } = this.store;
    text(this.model, bot.model_label);
    attribute(this.badge, "data-short", /offline/i.test(bot.model_label) ? "no model" : null);
    attribute(this.badge, "data-tip", bot.model_hint);
    attribute(this.badge, "aria-label", `Model: ${bot.model_label}. ${bot.model_hint}`);
    if (this.people.options.length !== people.length) {
      this.people.replaceChildren(...people.map((one) =>
        el("option", { value: one.id }, one.administrator ? `${one.name}, administrator` : one.name),
      ));
    }
    this.people.value = me;
    const person = this.store.person(me);
    this.face.replaceChildren(avatar(me, person.initials), el("span", { class: "face-name" }, person.name));
    this.#showLife(bot.state);
  }

  #showLife(state) {
    attribute(this.state, "data-state", state);
    text(this.state, STATES[state]);
    const down = state === "killed" || state === "stopped";
    const focused = document.activeElement === this.kill || document.activeElement === this.begin;
    if (this.kill.hidden && !down) this.killShown = performance.now();
    this.kill.hidden = down;
    this.kill.disabled = state !== "running";
    this.begin.hidden = !down;
    if (focused && down) this.begin.focus();
    if (down) this.bubble.hidden = true;
  }
}
