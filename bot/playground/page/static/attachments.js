// Files that were chosen for the next message: a chip each, uploaded at once.

import { el, iconButton } from "./dom.js";
import { extension, size } from "./format.js";
import { toast } from "./toast.js";

const LIMIT = 25 * 1024 * 1024; // bytes, as the server has it
const MOST = 10; // files in one message, as both platforms have it

export class Attachments {
  #upload;
  #chosen = []; // {file, chip, done}: `done` resolves to the upload's id

  constructor(upload) {
    this.#upload = upload;
    this.element = el("ul", { class: "chips", "aria-label": "Files to send", hidden: true });
  }

  get empty() {
    return this.#chosen.length === 0;
  }

  add(files) {
    for (const file of files) {
      if (file.size > LIMIT) toast(`${file.name} is larger than 25 MB.`);
      else if (this.#chosen.length >= MOST) toast(`A message takes ${MOST} files at most.`);
      else this.#add(file);
    }
  }

  /** Hand over what was chosen, for sending. */
  take() {
    const files = this.#chosen.map(({ file, done }) => ({ file, done }));
    this.#chosen = [];
    this.#show();
    return files;
  }

  #add(file) {
    const chosen = { file, done: this.#upload(file) };
    const remove = () => {
      this.#chosen = this.#chosen.filter((one) => one !== chosen);
      this.#show();
    };
    chosen.chip = el(
      "li", { class: "chip uploading", testid: "chip", "data-name": file.name },
      preview(file), el("span", { class: "chip-name" }, file.name), el("span", { class: "chip-size" }, size(file.size)),
      iconButton("close", `Remove ${file.name}`, { class: null, testid: "chip-remove", onclick: remove }),
    );
    chosen.done.then(
      () => chosen.chip.classList.remove("uploading"),
      () => chosen.chip.classList.replace("uploading", "failed"), // sending tries again and then says why
    );
    this.#chosen.push(chosen);
    this.#show();
  }

  #show() {
    this.element.replaceChildren(...this.#chosen.map(({ chip }) => chip));
    this.element.hidden = this.empty;
  }
}

function preview(file) {
  if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type)) return el("span", { class: "extension" }, extension(file.name));
  const address = URL.createObjectURL(file);
  return el("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address) });
}
