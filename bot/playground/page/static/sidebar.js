// Channels, direct messages and, in Discord, threads under their channel.

import { avatar, el, icon } from "./dom.js";

const WORDS = {
  slack: { place: "Slack", channels: "Channels", dms: "Direct messages" },
  discord: { place: "Discord", channels: "Text channels", dms: "Direct messages" },
};

export class Sidebar {
  #unread = new Set();

  /** `go(channel)` opens a channel. */
  constructor(platform, store, go) {
    Object.assign(this, { platform, store, go });
    const label = platform === "slack" ? "Slack channels" : "Discord channels";
    this.element = el("nav", { class: "sidebar", id: `sidebar-${platform}`, "aria-label": label });
  }

  unread(channel) {
    this.#unread.add(channel);
  }

  read(channel) {
    this.#unread.delete(channel);
  }

  /** Draw it again; `current` is the channel that is open. */
  show(current) {
    const state = this.store.platforms[this.platform];
    const channels = state.channelsFor(this.store.me);
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    const words = WORDS[this.platform];
    this.element.replaceChildren(
      el("div", { class: "workspace" }, el("strong", {}, words.place), el("span", {}, state.title)),
      this.#section(words.channels, channels.filter((one) => one.kind === "channel"), channels, current),
      this.#section(words.dms, channels.filter((one) => one.kind === "dm"), channels, current),
    );
    if (focused) this.element.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  #section(title, channels, all, current) {
    const rows = channels.flatMap((channel) => [
      this.#row(channel, current),
      ...all.filter((one) => one.kind === "thread" && one.parent === channel.id).map((one) => this.#row(one, current)),
    ]);
    return el("section", {}, el("h2", {}, title), el("ul", {}, ...rows));
  }

  #row(channel, current) {
    const mark = channel.kind === "dm" ? avatar("bot", "P") : icon(channel.kind === "thread" ? "thread" : "hash");
    const unread = this.#unread.has(channel.id);
    const button = el(
      "button",
      {
        type: "button", class: "channel", testid: `channel-${this.platform}-${channel.name}`, "data-id": channel.id,
        "data-unread": String(unread), "aria-current": channel.id === current ? "page" : null,
        onclick: () => this.go(channel.id),
      },
      mark, el("span", { class: "channel-name" }, channel.name),
    );
    if (unread) button.append(el("span", { class: "away" }, "unread"), el("span", { class: "unread", "aria-hidden": "true" }));
    return el("li", { class: channel.kind === "thread" ? "thread" : null }, button);
  }
}
