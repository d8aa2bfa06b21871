// What a newcomer can try, one click each. Four at a time; what was used makes room for the next.

import { el } from "./dom.js";

const SALES = "month,revenue\nJanuary,420\nFebruary,510\nMarch,480\nApril,690\nMay,820\nJune,760\n";
const BEST_FIRST = {
  slack: ["ask", "ticket", "two-tools", "count", "file", "ask-command"],
  discord: ["ask-command", "file", "ticket", "count", "ask", "two-tools"],
};
// Questions need a model, tools do not.
const BEST_OFFLINE = {
  slack: ["two-tools", "ticket", "count", "ask", "file", "ask-command"],
  discord: ["two-tools", "ticket", "file", "count", "ask", "ask-command"],
};
const used = { slack: new Set(), discord: new Set() };

/** All ideas for a channel, best first: {name, title, detail, action, text, files, command, options, coach}. */
function ideas({ platform, offline, direct, me }) {
  const at = direct ? "" : `@${platform.botName} `;
  const call = (inWords, asTool) => at + (offline ? asTool : inWords);
  const ticket = (summary, priority) =>
    `!tool create_ticket user_email=${me}@example.org issue_summary="${summary}" priority=${priority}`;
  const ask = platform.commands.find((command) => command.name === "ask");
  const question = "What can you do for us?";
  const slash = ask && {
    name: "ask-command", title: "Use /ask", detail: question, command: "ask",
    options: platform.name === "slack" ? { text: question } : { [ask.options[0]?.name ?? "question"]: question },
  };
  const list = [
    { name: "ask", title: offline ? "See what works without a model" : "Ask a question", detail: question, text: at + question },
    {
      name: "ticket", title: "Open a ticket", detail: "Calls the Python function create_ticket",
      text: call(
        "Open a ticket with high priority: the printer on floor 2 is out of toner.",
        ticket("The printer on floor 2 is out of toner", "high"),
      ),
    },
    {
      name: "two-tools", title: "Two tools at once", detail: "Both calls run at the same time",
      text: call(
        "Open two tickets: a laptop for Ben and a badge for Chloe.",
        `${ticket("A laptop for Ben", "low")}\n${ticket("A badge for Chloe", "medium")}`,
      ),
    },
    {
      name: "count", title: "Kill it in mid-answer", detail: "Counts slowly to 60; you pull the plug", coach: true,
      text: call("Count slowly from 1 to 60, one number a line.", "!count 60"),
    },
    {
      name: "file", title: "Attach a file", detail: "Sends sales.csv along and asks what is in it",
      text: call("What is in this file, and what stands out?", "What is in this file?"),
      files: () => [new File([SALES], "sales.csv", { type: "text/csv" })],
    },
  ];
  const found = [...list, ...(slash ? [slash] : [])];
  const names = (offline ? BEST_OFFLINE : BEST_FIRST)[platform.name];
  return names.flatMap((name) => found.filter((idea) => idea.name === name));
}

/** The four that come next, as a group of buttons; `choose` gets the one that was taken. */
export function suggestionGroup(facts, choose) {
  const name = facts.platform.name;
  const sorted = ideas(facts).sort((one, other) => used[name].has(one.name) - used[name].has(other.name));
  const buttons = sorted.slice(0, 4).map((idea) => {
    const onclick = () => {
      used[name].add(idea.name);
      choose(idea);
    };
    return el(
      "button", { type: "button", class: "suggestion", testid: "suggestion", "data-name": idea.name, onclick },
      el("b", {}, idea.title), el("span", {}, idea.detail),
    );
  });
  return el("div", { class: "suggestions", role: "group", "aria-label": "Things to try" }, ...buttons);
}
