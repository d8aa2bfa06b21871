// Puts the page together: one connection, one store, a bar and two panes.

import { el } from "./dom.js";
import { listenToBodies } from "./html.js";
import { Pane } from "./pane.js";
import { Connection } from "./socket.js";
import { Store } from "./store.js";
import { listenForTips } from "./tips.js";
import { TopBar } from "./topbar.js";

const store = new Store();
const gone = document.getElementById("gone");
let connection = null;
let bar = null;

const request = (action) => connection.request(action);
const upload = (file) => connection.upload(file);

/** Build the page when the first snapshot is there; later ones find it built. */
function receive(told) {
  const first = told.type === "snapshot" && bar === null;
  if (first) build();
  store.receive(told);
  if (first) document.querySelector(".loading").remove();
}

function build() {
  bar = new TopBar(document.getElementById("top"), store, { request });
  const acts = { request, upload, start: () => bar.start(), coach: () => bar.coach() };
  const panes = ["slack", "discord"].map((platform) => new Pane(platform, store, acts));
  document.getElementById("panes").append(...panes.map((pane) => pane.element));
  store.on("message", (platform, message, before) => { if (!before && message.author === "bot") bar.news(platform.name); });
}

function changed(online) {
  store.setOnline(online);
  document.body.classList.toggle("offline", !online);
  if (gone.hidden === online) return;
  gone.hidden = online;
  gone.replaceChildren(...(online ? [] : [
    el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
    "The playground is not answering. Trying to reach it again.",
  ]));
}

listenToBodies();
listenForTips();
connection = new Connection(receive, changed);
