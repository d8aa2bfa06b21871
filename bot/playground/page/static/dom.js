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
  attach: "M16.5 8.500l-6.800 6.800a2.200 2.200 0 0 1-3.100-3.100l7.200-7.200a3.700 3.700 0 0 1 5.200 5.200l-7.300 7.300a5.200 5.200 0 0 1-7.300-7.300l6.500-6.500",
  back: "M12.500 5l-5 5 5 5",
  bolt: "M11 2.500L4.500 11.500H10l-1 6 6.500-9H10z",
  close: "M5.500 5.500l9 9m0-9l-9 9",
  copy: "M7.500 7.500h8v9h-8zM5 12.500H4v-9h8v1.500",
  download: "M10 3.500v9m-3.500-3.500L10 12.500 13.500 9M4 16.500h12",
  hash: "M8.500 3.500L7 16.500m6-13l-1.500 13M4 7.500h12.500M3.500 12.500H16",
  idea: "M7.500 13.500c0-1.500-2.500-2.500-2.500-5.500a5 5 0 0 1 10 0c0 3-2.500 4-2.500 5.500zM8 16.500h4",
  members: "M7.500 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM2.500 16c0-2.500 2-4.500 5-4.500s5 2 5 4.500m.5-11.300a2.500 2.500 0 0 1 0 4.600m1.500 2.600c1.800.6 3 2.200 3 4.100",
  menu: "M3.500 6h13M3.500 10h13M3.500 14h13",
  reply: "M4 4.500h12v8.500H9.500L6 16v-3H4z",
  send: "M4 4l13 6-13 6 2-6zm2 6h6",
  theme: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  thread: "M5.500 3.500v6.500a3 3 0 0 0 3 3h7m-3-3l3 3-3 3",
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

/** A round or square picture with initials; `who` picks the colour. */
export function avatar(who, initials) {
  return el("span", { class: "avatar", "data-who": who, "aria-hidden": "true" }, initials);
}
