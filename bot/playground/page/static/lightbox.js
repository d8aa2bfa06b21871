// An image in full size. The native dialog brings Escape, the focus trap and the way back.

import { el, icon } from "./dom.js";

export function enlarge(file) {
  const dialog = document.getElementById("lightbox");
  const close = () => dialog.close();
  dialog.replaceChildren(
    el(
      "div", { class: "lightbox-head" },
      el("b", {}, file.name),
      el("a", { href: file.url, download: file.name, class: "quiet" }, icon("download"), "Download"),
      el("button", { type: "button", class: "quiet", "aria-label": "Close image", onclick: close }, icon("close")),
    ),
    el("img", { src: file.url, alt: file.name }),
  );
  dialog.onclick = (event) => { if (event.target === dialog) close(); };
  dialog.showModal();
}
