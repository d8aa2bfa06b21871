// The two pages of the direct messages with the bot in Slack: the messages, and the home page that the app made.

import { attribute, el } from "./dom.js";
import { morph, parse } from "./html.js";

export class Home {
  #visit;

  /** `visit(place)` tells the platform which page a person has opened: `messages` or `home`. */
  constructor(visit) {
    this.#visit = visit;
    this.page = el("div", { class: "home body", testid: "home", hidden: true, tabindex: "0", "aria-label": "Home page of the app" });
    this.tabs = el("div", { class: "pages", role: "tablist", "aria-label": "Pages", hidden: true });
    for (const [place, label] of [["messages", "Messages"], ["home", "Home"]]) {
      const onclick = () => this.show(place);
      this.tabs.append(el("button", { type: "button", role: "tab", "data-place": place, testid: `page-${place}`, onclick }, label));
    }
  }

  /** A channel was opened; only direct messages with the bot have pages. */
  enter(direct) {
    this.tabs.hidden = !direct;
    this.#turn("messages");
    if (direct) this.#visit("messages");
  }

  /** Open a page. */
  show(place) {
    this.#turn(place);
    this.#visit(place);
  }

  /** What the app has published for the person. */
  fill(view) {
    const html = view?.html || "<p>The app has no home page yet.</p>";
    morph(this.page, parse(html));
  }

  #turn(place) {
    this.page.hidden = place !== "home";
    for (const tab of this.tabs.children) attribute(tab, "aria-selected", String(tab.dataset.place === place));
  }
}
