// The message box: text, files, mentions, commands, and what to do when sending failed.

import { Attachments } from "./attachments.js";
import { CommandForm } from "./commandform.js";
import { el, icon, iconButton } from "./dom.js";
import { Offers } from "./offers.js";
import { commandRequest } from "./slash.js";

const TALLEST = 220; // pixels until the box scrolls

export class Composer {
  /**
   * `name` is the platform, with `-thread` behind it in a thread panel. `place` has channel() and thread(), `acts` has
   * deliver(request), upload(file), complete(command, option, typed) and ideas().
   */
  constructor({ name, platform, store, place, acts, commands = true }) {
    Object.assign(this, { name, platform, store, place, acts, commands });
    this.attachments = new Attachments((file) => acts.upload(file));
    this.form = new CommandForm(name, {
      send: () => this.send(), cancel: () => this.#closeForm(), attach: (files) => this.attachments.add(files),
      complete: (command, option, typed) => acts.complete(command, option, typed),
    });
    this.#build();
  }

  get blank() {
    return this.input.value.trim() === "" && this.attachments.empty && this.form.command === null;
  }

  /** Say where the message goes. */
  label(words) {
    this.input.setAttribute("aria-label", words);
    this.input.placeholder = words;
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  /** Send what is written, chosen and filled in. */
  async send() {
    const options = this.form.command ? this.form.options() : {};
    const words = this.input.value.trim();
    if (options === null || this.blank) return;
    const request = this.form.command
      ? { action: "command", name: this.form.command.name, options }
      : this.#request(words);
    const draft = { request, words, files: this.attachments.take() };
    this.input.value = "";
    this.#closeForm();
    this.#resize();
    await this.deliver(draft);
  }

  /** Send a draft; when that fails, keep it and offer to try again. */
  async deliver(draft) {
    draft.failure?.remove();
    try {
      if (draft.request.error) throw new Error(draft.request.error);
      const files = await Promise.all(draft.files.map((one) => one.done));
      await this.acts.deliver({ ...draft.request, files });
    } catch (error) {
      this.#showFailure(draft, error.message);
    }
  }

  #request(words) {
    return (this.commands && commandRequest(words, this.#known())) || this.#plain(words);
  }

  #plain(words) {
    if (!this.commands && words.startsWith("/")) return { error: "Slack does not take slash commands in threads." };
    return { action: "speak", text: words };
  }

  #known() {
    return this.store.platforms[this.platform];
  }

  #build() {
    this.input = el("textarea", {
      id: `composer-${this.name}`, testid: `composer-${this.name}`, rows: "1", autocomplete: "off", spellcheck: "true",
      enterkeyhint: "send",
      oninput: () => { this.#resize(); this.offers.update(); },
      onkeydown: (event) => this.#key(event),
      onclick: () => this.offers.update(),
      onpaste: (event) => this.#paste(event),
    });
    this.offers = new Offers(
      this.input, this.store, this.platform, this.commands ? (command) => this.#choose(command) : null,
    );
    this.failures = el("div", { class: "failures", role: "alert" });
    const box = el("div", { class: "box" }, this.form.element, this.attachments.element, this.input, this.#tools());
    const submit = (event) => { event.preventDefault(); this.send(); };
    const picker = this.offers.picker.element;
    this.element = el("form", { class: "composer", onsubmit: submit }, picker, this.failures, box, this.#hint());
  }

  #tools() {
    const file = el("input", {
      type: "file", multiple: true, class: "away", "aria-label": "Attach files",
      onchange: (event) => { this.attachments.add(event.target.files); event.target.value = ""; this.focus(); },
    });
    const tools = [
      el("label", { class: "tool", testid: `attach-${this.name}`, "data-tip": "Attach files" }, icon("attach"), file),
      this.#insertTool("@", "Mention somebody"),
    ];
    if (this.commands) tools.push(this.#insertTool("/", "Use a command"));
    if (this.acts.ideas) {
      const onclick = () => this.acts.ideas();
      tools.push(iconButton("idea", "Ideas", { testid: `ideas-${this.name}`, "data-tip": "Ideas to try", onclick }));
    }
    const send = el("button", { class: "send", testid: `send-${this.name}`, "aria-label": "Send" }, icon("send"));
    return el("div", { class: "tools" }, ...tools, send);
  }

  #insertTool(sign, label) {
    const onclick = () => {
      this.input.focus();
      if (sign === "/") this.input.value = "/";
      else this.input.setRangeText(sign, this.input.selectionStart, this.input.selectionEnd, "end");
      this.offers.update();
    };
    return el("button", { type: "button", class: "tool sign", "aria-label": label, "data-tip": label, onclick }, sign);
  }

  #hint() {
    const keys = [["Enter", "sends"], ["Shift+Enter", "new line"], ["@", "mentions"]];
    if (this.commands) keys.push(["/", "commands"]);
    const parts = keys.map(([key, does]) => el("span", {}, el("kbd", {}, key), ` ${does}`));
    return el("p", { class: "hint" }, ...parts);
  }

  #key(event) {
    if (event.isComposing || this.offers.picker.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  #paste(event) {
    const { files } = event.clipboardData;
    if (files.length === 0) return;
    event.preventDefault();
    this.attachments.add(files);
  }

  #choose(command) {
    if (this.platform === "discord") {
      this.input.value = "";
      if (command.options.length === 0) { // there is nothing to fill in
        this.deliver({ request: { action: "command", name: command.name, options: {} }, words: "", files: [] });
        return;
      }
      this.input.hidden = true;
      this.form.open(command);
    } else {
      this.input.value = command.options.length ? `/${command.name} ` : `/${command.name}`;
      this.input.setSelectionRange(this.input.value.length, this.input.value.length);
    }
  }

  #closeForm() {
    const wasOpen = this.form.command !== null;
    this.form.close();
    this.input.hidden = false;
    if (wasOpen) this.focus();
  }

  #showFailure(draft, sentence) {
    const retry = () => {
      for (const one of draft.files) one.done = this.acts.upload(one.file);
      if (draft.request.error) draft.request = this.#request(draft.words);
      this.deliver(draft);
    };
    const edit = () => {
      draft.failure.remove();
      this.input.value = draft.words || Object.values(draft.request.options ?? {}).join(" ");
      this.attachments.add(draft.files.map((one) => one.file));
      this.#resize();
      this.focus();
    };
    draft.failure = el(
      "div", { class: "send-error", testid: `send-error-${this.name}` },
      el("span", { class: "grow" }, el("b", {}, "Not sent. "), sentence, el("small", {}, draftName(draft))),
      el("button", { type: "button", class: "quiet", onclick: edit }, "Edit"),
      el("button", { type: "button", class: "button", testid: `retry-${this.name}`, onclick: retry }, "Retry"),
    );
    this.failures.append(draft.failure);
  }

  #resize() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, TALLEST)}px`;
  }
}

function draftName({ words, files, request }) {
  return words || (request.name ? `/${request.name}` : files.map((one) => one.file.name).join(", "));
}
