// One message: made once, then patched where it changed.

import { attribute, avatar, el, icon, iconButton, text } from "./dom.js";
import { count, exactTime, extension, fullTime, size, time } from "./format.js";
import { morph, parse, words } from "./html.js";
import { messageMenu } from "./menu.js";

const RASTER = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const LIVE = 1500; // milliseconds after an edit during which the message counts as being written

/**
 * A message on the page. `acts` has openThread(message), threadLink(message): the words of the way into its thread, or
 * nothing, canReply(message), press(message, button), entries(message): its menu, and enlarge(file).
 */
export class MessageElement {
  #acts;
  #timer;
  #shown = {}; // what each part was last made from

  constructor(message, platform, initials, acts) {
    this.#acts = acts;
    this.message = message;
    this.#build(platform, initials);
    this.update(message);
  }

  update(message) {
    const before = this.message;
    this.message = message;
    this.#head(message);
    this.#body(message);
    this.#part("steps", message.steps, () => message.steps.map(step));
    this.#footer(message);
    this.#part("files", message.files, () => message.files.map((file) => fileCard(file, this.#acts)));
    this.#part("buttons", message.buttons, () => message.buttons.map((button) => this.#button(button)));
    this.#part("reactions", message.reactions, () => message.reactions.map(reaction));
    this.#part("pings", message.author === "bot" ? message.pings : [], () => [
      el("span", { testid: "pings", class: "ping" }, `Pinged ${message.pings.join(", ")}`),
    ]);
    const link = this.#acts.threadLink(message);
    this.#part("thread", link ? [link] : [], () => [this.#threadLink(link)]);
    if (message.edits > before.edits) this.#live();
  }

  #build(platform, initials) {
    const { message } = this;
    this.parts = {
      byline: el("div", { class: "byline" }),
      note: el("div", { class: "note" }),
      steps: el("ul", { class: "steps", testid: "steps" }),
      body: el("div", { class: "body", testid: "message-body" }),
      footer: el("div", { class: "footer", testid: "message-footer", hidden: true }),
      pings: el("div", { class: "pings" }),
      files: el("div", { class: "files" }),
      buttons: el("div", { class: "buttons" }),
      reactions: el("div", { class: "reactions" }),
      thread: el("div", { class: "thread-link" }),
    };
    const content = el("div", { class: "content" }, ...Object.values(this.parts));
    this.element = el(
      "article",
      {
        class: "message", testid: "message", "data-id": message.id, "data-platform": platform,
        "data-author": message.author, "aria-label": `${message.author_name}, ${time(message.at)}`,
      },
      avatar(message.author, initials), content,
    );
    this.edits = el("span", { class: "edits", testid: "message-edits", tabindex: "0", hidden: true });
    this.parts.byline.append(
      el("span", { class: "author" }, message.author_name),
      ...(message.author === "bot" ? [el("span", { class: "app" }, "App")] : []),
      el("time", { datetime: new Date(message.at * 1000).toISOString(), title: fullTime(message.at) }, time(message.at)),
      this.edits,
      ...(message.only_for ? [el("span", { class: "only", testid: "only-you" }, "Only you see this")] : []),
    );
    const actions = el("div", { class: "actions" });
    if (this.#acts.canReply(message)) actions.append(this.#replyAction());
    actions.append(messageMenu(() => this.#acts.entries(this.message)));
    this.element.append(actions);
  }

  #replyAction() {
    const label = "Reply in thread";
    const onclick = () => this.#acts.openThread(this.message);
    return iconButton("reply", label, { class: "reply", testid: "thread-reply", "data-tip": label, onclick });
  }

  #head(message) {
    attribute(this.element, "data-edits", message.edits);
    attribute(this.element, "data-state", message.state);
    attribute(this.element, "data-streaming", message.streaming);
    attribute(this.element, "data-loud", message.loud);
    this.parts.note.hidden = !message.note;
    text(this.parts.note, message.note ?? "");
    this.edits.hidden = message.edits === 0;
    if (message.edits === 0) return;
    text(this.edits, `edited ${message.edits}×`);
    const tip = `First edit ${exactTime(message.first_edit)}, last edit ${exactTime(message.last_edit)}`;
    attribute(this.edits, "data-tip", tip);
    attribute(this.edits, "aria-label", `Edited ${count(message.edits, "time", "times")}. ${tip}`);
  }

  #body(message) {
    const key = message.state + message.html;
    if (this.#shown.body === key) return;
    this.#shown.body = key;
    const thinking = message.state === "thinking" && !message.html;
    morph(this.parts.body, thinking ? thinkingLine(message.author_name) : parse(message.html));
    this.parts.body.hidden = !this.parts.body.hasChildNodes();
  }

  #footer(message) {
    if (this.#shown.footer === message.footer) return;
    this.#shown.footer = message.footer;
    morph(this.parts.footer, parse(message.footer));
    this.parts.footer.hidden = message.footer === "";
  }

  /** Make a part again, only when what it is made from has changed. */
  #part(name, facts, make) {
    const key = JSON.stringify(facts);
    if (this.#shown[name] === key) return;
    this.#shown[name] = key;
    const children = facts.length === 0 ? [] : make();
    this.parts[name].replaceChildren(...children);
    this.parts[name].hidden = children.length === 0;
  }

  #button(button) {
    const onclick = async (event) => {
      const pressed = event.currentTarget;
      pressed.classList.add("busy");
      await this.#acts.press(this.message, button);
      pressed.classList.remove("busy");
    };
    return el(
      "button",
      {
        type: "button", class: `button ${button.style}`, testid: `button-${button.label}`, disabled: button.disabled, onclick,
      },
      button.label,
    );
  }

  /** Edit the text in its place; `save(words)` rejects with a sentence that was shown already. */
  edit(save) {
    const before = words(this.message.html);
    const input = el("textarea", { class: "edit-box", testid: "message-edit", rows: "2", "aria-label": "Edit the message" });
    input.value = before;
    const done = () => { box.remove(); this.parts.body.hidden = false; };
    const store = async () => {
      if (!input.value.trim() || input.value === before) return done();
      await save(input.value).then(done, () => input.focus());
    };
    const box = el(
      "div", { class: "edit", onkeydown: (event) => {
        if (event.key === "Escape") done();
        else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); store(); }
      } },
      input, el("div", { class: "buttons" },
        el("button", { type: "button", class: "button", onclick: done }, "Cancel"),
        el("button", { type: "button", class: "button primary", testid: "message-save", onclick: store }, "Save")),
    );
    this.parts.body.hidden = true;
    this.parts.body.after(box);
    input.focus();
  }

  #threadLink(label) {
    const onclick = () => this.#acts.openThread(this.message);
    return el("button", { type: "button", class: "open-thread", testid: "thread-open", onclick }, icon("thread"), label);
  }

  #live() {
    this.element.classList.add("live");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.classList.remove("live"), LIVE);
  }
}

function thinkingLine(name) {
  const fragment = document.createDocumentFragment();
  const dots = el("span", { class: "dots" }, el("i"), el("i"), el("i"));
  fragment.append(el("p", { class: "thinking" }, dots, ` ${name} is thinking`));
  return fragment;
}

const STEP_WORDS = { pending: "waits", running: "is running", done: "is done", failed: "failed" };

function step({ title, state, details, output }) {
  const more = [details, output].filter(Boolean).join(" · ");
  return el(
    "li", { class: "step", testid: "step", "data-state": state, "aria-label": `${title} ${STEP_WORDS[state]}` },
    el("span", { class: "step-title" }, title), ...(more ? [el("span", { class: "step-more" }, more)] : []),
  );
}

function reaction(emoji) {
  return el("span", { class: "reaction", testid: "reaction", role: "img", "aria-label": `Reaction ${emoji}` }, emoji);
}

function fileCard(file, acts) {
  const facts = el("span", { class: "file-facts" }, el("b", {}, file.name), el("span", {}, size(file.size)));
  const label = `Download ${file.name}`;
  const download = el(
    "a", { class: "download", href: file.url, download: file.name, "aria-label": label, "data-tip": "Download" }, icon("download"),
  );
  const card = el("div", { class: "file", testid: "file-card", "data-name": file.name });
  if (RASTER.has(file.media_type)) {
    const picture = el("img", { src: file.url, alt: file.name, decoding: "async" });
    card.classList.add("picture");
    card.append(
      el(
        "button",
        { type: "button", testid: "image-open", "aria-label": `Enlarge ${file.name}`, onclick: () => acts.enlarge(file) },
        picture,
      ),
    );
  } else card.append(el("span", { class: "extension", "aria-hidden": "true" }, extension(file.name)));
  card.append(el("span", { class: "file-line" }, facts, download));
  return card;
}
