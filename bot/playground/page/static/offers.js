// What a message box offers while one types: people and the bot after `@`, commands after `/`.

import { avatar, el } from "./dom.js";
import { Picker } from "./picker.js";

export class Offers {
  #input;
  #store;
  #platform;
  #choose;

  /** `choose(command)` gets a command that was taken, or is null where commands do not exist. */
  constructor(input, store, platform, choose) {
    this.#input = input;
    this.#store = store;
    this.#platform = platform;
    this.#choose = choose;
    this.picker = new Picker(input);
  }

  /** Look at what is written before the cursor. */
  update() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    const mention = /(?:^|\s)@([\p{L}]*)$/u.exec(before);
    const command = this.#choose && /^\/(\S*)$/.exec(before);
    if (command) this.#commands(command[1].toLowerCase());
    else if (mention) this.#people(mention[1].toLowerCase());
    else this.picker.hide();
  }

  #people(begun) {
    const bot = { id: "bot", name: this.#store.platforms[this.#platform].botName, initials: "P", role: "App" };
    const everyone = [bot, ...this.#store.people.filter((person) => person.id !== this.#store.me)];
    const matches = (one) => one.name.toLowerCase().split(" ").some((part) => part.startsWith(begun));
    this.picker.show({
      label: "People", testid: "mention-picker", optionTestid: "mention-option",
      items: everyone.filter(matches).map((one) => ({
        name: one.name, title: one.name, detail: one.role ?? (one.administrator ? "Administrator" : "Member"),
        picture: avatar(one.id, one.initials),
      })),
      choose: (item) => {
        const end = this.#input.selectionStart;
        this.#input.setRangeText(`@${item.name} `, end - begun.length - 1, end, "end");
      },
    });
  }

  #commands(begun) {
    const { botName, commands } = this.#store.platforms[this.#platform];
    this.picker.show({
      label: `Commands of ${botName}`, testid: "command-picker", optionTestid: "command-option",
      items: commands.filter((command) => command.name.startsWith(begun)).map((command) => ({
        name: command.name, title: `/${command.name}`, detail: command.description,
        extra: optionList(command.options), command,
      })),
      choose: ({ command }) => this.#choose(command),
    });
  }
}

function optionList(options) {
  if (options.length === 0) return null;
  const parts = options.map((option) => {
    const name = option.required ? option.name : `${option.name}?`;
    return el("span", {}, el("b", {}, name), ` ${option.description}`);
  });
  return el("span", { class: "picker-extra" }, ...parts);
}
