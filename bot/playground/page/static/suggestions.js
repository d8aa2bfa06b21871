// What a newcomer can try, one click each. Four at a time; what was used makes room for the next.

import { el } from "./dom.js";

const SALES = "month,revenue\nJanuary,420\nFebruary,510\nMarch,480\nApril,690\nMay,820\nJune,760\n";
const CHART = [
  "```python", "import csv", 'for row in csv.DictReader(open("sales.csv")):',
  '    print(f"{row[\'month\']:9} {\'▇\' * (int(row[\'revenue\']) // 40)} {row[\'revenue\']}")', "```",
].join("\n");

const used = { slack: new Set(), discord: new Set() };

/** All ideas for a channel, best first: {name, title, detail, action, text, files, command, options, coach}. */
function ideas({ platform, offline, direct }) {
  const at = direct ? "" : `@${platform.botName} `;
  const call = (inWords, asTool) => at + (offline ? asTool : inWords);
  const ask = platform.commands.find((command) => command.name === "ask");
  const question = "How many days of holiday do I have?";
  const slash = ask && {
    name: "ask-command", title: "Use /ask", detail: question, command: "ask",
    options: platform.name === "slack" ? { text: question } : { [ask.options[0]?.name ?? "question"]: question },
  };
  const list = [
    { name: "ask", title: "Ask the handbook", detail: question, text: at + question },
    {
      name: "ticket", title: "Open a ticket", detail: "Calls the Python function create_ticket",
      text: call(
        "Open a ticket with high priority: the printer on floor 2 is out of toner.",
        '!tool create_ticket title="The printer on floor 2 is out of toner" priority=high',
      ),
    },
    {
      name: "two-tools", title: "Two tools at once", detail: "Both calls run at the same time",
      text: call(
        "Open two tickets: a laptop for Ben and a badge for Chloe.",
        '!tool create_ticket title="A laptop for Ben"\n!tool create_ticket title="A badge for Chloe"',
      ),
    },
    {
      name: "count", title: "Kill it in mid-answer", detail: "Counts slowly to 60; you pull the plug", coach: true,
      text: call("Count slowly from 1 to 60, one number a line.", "!count 60"),
    },
    {
      name: "file", title: "Chart from a CSV", detail: "Attaches sales.csv and runs Python on it",
      text: call("Draw a bar chart of this file.", `\n${CHART}`).trim(),
      files: () => [new File([SALES], "sales.csv", { type: "text/csv" })],
    },
  ];
  const order = platform.name === "slack" ? [0, 1, 2, 3, 4] : [4, 1, 3, 0, 2];
  const sorted = order.map((place) => list[place]);
  if (!slash) return sorted;
  return platform.name === "discord" ? [slash, ...sorted] : [...sorted, slash];
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
