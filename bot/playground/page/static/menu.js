// The menu of a message: what the platform offers there, and what the app has added. The native popover lies above
// everything, closes by Escape or a click elsewhere, and gives the focus back.

import { el, iconButton } from "./dom.js";

const GAP = 4; // pixels between the button and its menu

/** A button that opens a menu of `entries()`, each {name, label, danger, run}. */
export function messageMenu(entries) {
  const menu = el("div", {
    class: "message-menu", role: "menu", popover: "auto", testid: "menu-entries", "aria-label": "Actions on this message",
    onkeydown: (event) => step(event, menu),
    ontoggle: (event) => button.setAttribute("aria-expanded", String(event.newState === "open")),
  });
  const button = iconButton("more", "More actions", {
    class: "tool", testid: "message-menu", "aria-haspopup": "menu", "aria-expanded": "false", "data-tip": "More actions",
    onclick: () => open(menu, button, entries()),
  });
  const box = el("span", { class: "menu-box" }, button, menu);
  return box;
}

function open(menu, button, entries) {
  menu.replaceChildren(...entries.map((entry) => item(menu, entry)));
  if (entries.length === 0) menu.append(el("p", {}, "Nothing can be done with this message."));
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const below = at.bottom + GAP + menu.offsetHeight <= innerHeight;
  menu.style.top = `${below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - menu.offsetHeight)}px`;
  menu.style.left = `${Math.max(GAP, at.right - menu.offsetWidth)}px`;
  menu.querySelector("[role=menuitem]")?.focus();
}

function item(menu, { name, label, danger, run }) {
  const onclick = () => {
    menu.hidePopover();
    run();
  };
  const attributes = { type: "button", role: "menuitem", class: danger ? "danger" : null, testid: `menu-${name}`, onclick };
  return el("button", attributes, label);
}

function step(event, menu) {
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const place = items.indexOf(document.activeElement);
  if (event.key === "ArrowDown") items[(place + 1) % items.length]?.focus();
  else if (event.key === "ArrowUp") items[(place - 1 + items.length) % items.length]?.focus();
  else return;
  event.preventDefault();
}
