// Short notices in the corner: what a platform refused, what trouble was made.

import { el, icon } from "./dom.js";

const SHOWN = 6000; // milliseconds

/** Show a notice for a while. */
export function toast(sentence, kind = "error") {
  const notice = el(
    "div", { class: `toast ${kind}`, testid: "toast", role: kind === "error" ? "alert" : "status" },
    el("span", {}, sentence),
    el("button", { type: "button", "aria-label": "Close notice", onclick: () => notice.remove() }, icon("close")),
  );
  document.getElementById("toasts").append(notice);
  setTimeout(() => notice.remove(), SHOWN);
}
