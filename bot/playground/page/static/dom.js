// Elements without a framework: `el("button", {class: "send", testid: "send-slack", onclick}, "Send")`.

/** Make an element. `testid`, `class` and functions (`onclick`) are short forms; the rest are attributes. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "testid") element.dataset.testid = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an attribute, or take it away when there is nothing to say; untouched when it is right already. */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Set a text; untouched when it is right already. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

const PATHS = {
  attach:
    "M16.5 8.5l-6.8 6.8a2.2 2.2 0 0 1-3.1-3.1l7.2-7.2a3.7 3.7 0 0 1 5.2 5.2" +
    "l-7.3 7.3a5.2 5.2 0 0 1-7.3-7.3l6.5-6.5",
  back: "M12.5 5l-5 5 5 5",
  bolt: "M11 2.5L4.5 11.5H10l-1 6 6.5-9H10z",
  close: "M5.5 5.5l9 9m0-9l-9 9",
  copy: "M7.5 7.5h8v9h-8zM5 12.5H4v-9h8v1.5",
  download: "M10 3.5v9m-3.5-3.5L10 12.5 13.5 9M4 16.5h12",
  hash: "M8.5 3.5L7 16.5m6-13l-1.5 13M4 7.5h12.5M3.5 12.5H16",
  idea: "M7.5 13.5c0-1.5-2.5-2.5-2.5-5.5a5 5 0 0 1 10 0c0 3-2.5 4-2.5 5.5zM8 16.5h4",
  members:
    "M7.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM2.5 16c0-2.5 2-4.5 5-4.5s5 2 5 4.5" +
    "m.5-11.3a2.5 2.5 0 0 1 0 4.6m1.5 2.6c1.8.6 3 2.2 3 4.1",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  reply: "M4 4.5h12v8.5H9.5L6 16v-3H4z",
  send: "M4 4l13 6-13 6 2-6zm2 6h6",
  theme: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  thread: "M5.5 3.5v6.5a3 3 0 0 0 3 3h7m-3-3l3 3-3 3",
};

/** A line icon of 20 px; it is decoration, so the control around it carries the label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that is an icon; its label is for those who do not see it. */
export function iconButton(name, label, attributes) {
  return el("button", { type: "button", class: "tool", "aria-label": label, ...attributes }, icon(name));
}

/** A round or square picture with initials; `who` picks the colour. */
export function avatar(who, initials) {
  return el("span", { class: "avatar", "data-who": who, "aria-hidden": "true" }, initials);
}
