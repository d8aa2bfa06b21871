// A message's HTML. The server has rendered it already; here only known elements pass, whatever the server was told,
// code gets its copy button, tables their scroll box, and an edit touches only what differs.

import { el, icon } from "./dom.js";

const ALLOWED = new Set(
  ("A B BLOCKQUOTE BR CODE DEL DETAILS DIV EM H1 H2 H3 H4 H5 H6 HR I INS KBD LI MARK OL P PRE S SMALL SPAN STRONG SUB " +
    "SUMMARY SUP TABLE TBODY TD TFOOT TH THEAD TIME TR U UL").split(" "),
);
const DROPPED = new Set("SCRIPT STYLE IFRAME OBJECT EMBED TEMPLATE NOSCRIPT SVG MATH FORM".split(" "));
// The policy of this page allows no inline styles, not even while parsing, so a cell's alignment becomes an attribute.
const ALIGNED_CELL = /<(t[hd]) style="text-align:\s*(left|right|center);?"/g;

/** Parse a message's HTML into a fragment that is safe and ready to show. */
export function parse(html) {
  const fragment = document.createDocumentFragment();
  copyChildren(bodyOf(html), fragment);
  return fragment;
}

/** A message's text without its markup. */
export function words(html) {
  return bodyOf(html).textContent.trim();
}

function bodyOf(html) {
  return new DOMParser().parseFromString(html.replace(ALIGNED_CELL, '<$1 align="$2"'), "text/html").body;
}

function copyChildren(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE) copyElement(node, to);
  }
}

function copyElement(from, to) {
  const tag = from.tagName.toUpperCase();
  if (DROPPED.has(tag)) return;
  if (!ALLOWED.has(tag)) {
    copyChildren(from, to); // the text stays, the element goes
    return;
  }
  if (tag === "PRE") {
    to.append(codeBlock(from));
    return;
  }
  const copy = document.createElement(tag);
  if (from.className) copy.className = from.className;
  if (from.title) copy.title = from.title;
  if (tag === "A") link(from, copy);
  if (tag === "OL" && from.hasAttribute("start")) copy.setAttribute("start", from.getAttribute("start"));
  if (from.hasAttribute("align")) copy.classList.add(`align-${from.getAttribute("align")}`);
  copyChildren(from, copy);
  to.append(tag === "TABLE" ? scrollBox(copy) : copy);
}

function link(from, copy) {
  const address = from.getAttribute("href") ?? "";
  if (/^https?:\/\//i.test(address)) {
    copy.href = address;
    copy.target = "_blank";
    copy.rel = "noopener noreferrer";
  } else if (address.startsWith("/files/")) {
    copy.href = address;
    copy.setAttribute("download", "");
  }
}

function scrollBox(table) {
  return el("div", { class: "table", role: "region", "aria-label": "Table", tabindex: "0" }, table);
}

function codeBlock(pre) {
  const code = pre.querySelector("code") ?? pre;
  const language = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "";
  const copy = el("button", { type: "button", class: "copy", testid: "code-copy", "aria-label": "Copy code" });
  copy.append(icon("copy"), el("span", {}, "Copy"));
  const body = el("pre", { tabindex: "0", "aria-label": language ? `Code, ${language}` : "Code" });
  body.append(el("code", {}, code.textContent.replace(/\n$/, "")));
  return el("div", { class: "code" }, el("div", { class: "code-head" }, el("span", {}, language || "code"), copy), body);
}

/** Make `target` look like `source`, leaving alone what is equal: selections, focus and scroll positions survive edits. */
export function morph(target, source) {
  const old = [...target.childNodes];
  const fresh = [...source.childNodes];
  fresh.forEach((node, place) => {
    const before = old[place];
    if (!before) target.append(node);
    else if (!before.isEqualNode(node)) morphNode(before, node);
  });
  for (const leftover of old.slice(fresh.length)) leftover.remove();
}

function morphNode(before, node) {
  if (before.nodeType === Node.TEXT_NODE && node.nodeType === Node.TEXT_NODE) before.data = node.data;
  else if (before.nodeType === Node.ELEMENT_NODE && before.tagName === node.tagName) {
    for (const { name } of [...before.attributes]) if (!node.hasAttribute(name)) before.removeAttribute(name);
    for (const { name, value } of node.attributes) if (before.getAttribute(name) !== value) before.setAttribute(name, value);
    morph(before, node);
  } else before.replaceWith(node);
}

/** One listener for all copy buttons and spoilers of the page. */
export function listenToBodies() {
  document.addEventListener("click", async (event) => {
    event.target.closest(".spoiler")?.classList.toggle("shown");
    const button = event.target.closest(".copy");
    if (!button) return;
    const done = await copyText(button.closest(".code").querySelector("code").textContent);
    const label = button.querySelector("span");
    label.textContent = done ? "Copied" : "Not allowed";
    setTimeout(() => { label.textContent = "Copy"; }, 1500);
  });
}

async function copyText(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false; // the browser does not let this page write to the clipboard
  }
}
