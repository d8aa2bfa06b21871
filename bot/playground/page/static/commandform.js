// A Discord command with its options as fields, as Discord itself asks for them.

import { el, icon } from "./dom.js";
import { Picker } from "./picker.js";

export class CommandForm {
  #fields = new Map();
  #pickers = new Map(); // by input
  #callbacks;
  command = null;

  /** `callbacks` has send(), cancel(), attach(files) and complete(command, option, typed): what the app suggests. */
  constructor(platform, callbacks) {
    this.#callbacks = callbacks;
    this.element = el("div", {
      class: "command-form", testid: `command-form-${platform}`, role: "group", hidden: true,
      onkeydown: (event) => this.#key(event),
    });
  }

  open(command) {
    this.command = command;
    this.#fields.clear();
    this.#pickers.clear();
    this.element.setAttribute("aria-label", `Command ${command.name}`);
    const cancel = el(
      "button",
      { type: "button", testid: "command-cancel", "aria-label": "Cancel the command", onclick: () => this.#callbacks.cancel() },
      icon("close"),
    );
    this.element.replaceChildren(
      el("span", { class: "command-name" }, `/${command.name}`),
      el("div", { class: "fields" }, ...command.options.map((option) => this.#field(option))), cancel,
    );
    this.element.hidden = false;
    (this.element.querySelector("input") ?? cancel).focus();
  }

  close() {
    this.command = null;
    this.element.hidden = true;
  }

  /** The options that were filled in, or null after pointing at the one that is missing. */
  options() {
    const given = {};
    for (const option of this.command.options) {
      const field = this.#fields.get(option.name);
      if (option.type === "file") continue;
      const value = option.type === "boolean" ? (field.checked ? "true" : "") : field.value.trim();
      if (value) given[option.name] = value;
      else if (option.required) {
        field.setAttribute("aria-invalid", "true");
        field.focus();
        return null;
      }
    }
    return given;
  }

  #field(option) {
    const types = { text: "text", boolean: "checkbox", file: "file" };
    const onchange = (event) => {
      if (option.type !== "file") return;
      this.#callbacks.attach(event.target.files);
      event.target.value = "";
    };
    const oninput = (event) => event.target.removeAttribute("aria-invalid");
    const input = el("input", {
      type: types[option.type], testid: `command-field-${option.name}`, autocomplete: "off",
      placeholder: option.type === "text" ? option.description : null, onchange, oninput,
      class: option.type === "file" ? "away" : null,
    });
    this.#fields.set(option.name, input);
    const picker = option.completes ? this.#completion(option, input) : null;
    return el(
      "label", { class: `field ${option.type}`, "data-tip": option.description },
      el("span", {}, option.required ? option.name : `${option.name} (optional)`), input,
      ...(option.type === "file" ? [icon("attach")] : []), ...(picker ? [picker.element] : []),
    );
  }

  /** The list of what the app suggests for an option, asked for with every letter; a late answer is dropped. */
  #completion(option, input) {
    const picker = new Picker(input);
    this.#pickers.set(input, picker);
    const ask = async () => {
      const typed = input.value;
      const found = await this.#callbacks.complete(this.command.name, option.name, typed).catch(() => []);
      if (input.value !== typed || document.activeElement !== input) return;
      picker.show({
        label: option.description, testid: "completion-picker", optionTestid: "completion-option",
        items: found.map((value) => ({ name: value, title: value })),
        choose: (item) => { input.value = item.name; },
      });
    };
    input.addEventListener("input", ask);
    input.addEventListener("focus", ask);
    return picker;
  }

  #key(event) {
    if (this.#pickers.get(event.target)?.key(event)) return;
    if (event.key === "Enter" && event.target.matches("input:not([type=file])")) {
      event.preventDefault();
      this.#callbacks.send();
    } else if (event.key === "Escape") this.#callbacks.cancel();
  }
}
