// The list above a message box: people after `@`, commands after `/`. The keyboard stays in the message box.

import { attribute, el } from "./dom.js";

let lists = 0;

export class Picker {
  #items = [];
  #active = 0;
  #choose = null;
  #input;

  constructor(input) {
    lists += 1;
    this.#input = input;
    this.element = el("div", { class: "picker", role: "listbox", id: `picker-${lists}`, hidden: true });
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.element.id);
    input.addEventListener("blur", () => this.hide());
  }

  get open() {
    return !this.element.hidden;
  }

  /** Show items, each {name, title, detail, extra, picture}; `choose` gets the one that was taken. */
  show({ items, label, testid, optionTestid, choose }) {
    if (items.length === 0) {
      this.hide();
      return;
    }
    const before = this.#items[this.#active]?.name;
    this.#items = items;
    this.#active = Math.max(items.findIndex((item) => item.name === before), 0);
    this.#choose = choose;
    this.element.dataset.testid = testid;
    this.element.setAttribute("aria-label", label);
    this.element.replaceChildren(
      el("div", { class: "picker-head", "aria-hidden": "true" }, label),
      ...items.map((item, place) => this.#option(item, place, optionTestid)),
    );
    this.element.hidden = false;
    this.#mark();
  }

  hide() {
    this.element.hidden = true;
    this.#items = [];
    attribute(this.#input, "aria-activedescendant", null);
  }

  /** Handle a key of the message box. Returns whether it was for the list. */
  key(event) {
    if (!this.open) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#active = (this.#active + step + this.#items.length) % this.#items.length;
      this.#mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) this.#take(this.#active);
    else if (event.key === "Escape") this.hide();
    else return false;
    event.preventDefault();
    return true;
  }

  #option(item, place, testid) {
    const option = el(
      "div",
      {
        class: "picker-option", role: "option", id: `${this.element.id}-${place}`, testid, "data-name": item.name,
        onpointerdown: (event) => event.preventDefault(), // the message box keeps the focus
        onclick: () => this.#take(place),
        onpointermove: () => { this.#active = place; this.#mark(); },
      },
      ...(item.picture ? [item.picture] : []),
      el("span", { class: "picker-title" }, item.title),
      el("span", { class: "picker-detail" }, item.detail ?? ""),
    );
    if (item.extra) option.append(item.extra);
    return option;
  }

  #take(place) {
    const item = this.#items[place];
    this.hide();
    this.#choose(item);
  }

  #mark() {
    const options = this.element.querySelectorAll(".picker-option");
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.#active)));
    options[this.#active].scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", options[this.#active].id);
  }
}
