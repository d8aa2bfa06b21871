// A typed slash command as the platform would read it.

/**
 * What `/name …` asks for: a command with its options, an error in the platform's manner, or null for plain text.
 * Slack hands everything behind the command over as `text`; Discord knows options, written `name:value`, and here free
 * text goes to the first text option.
 */
export function commandRequest(words, platform) {
  const typed = /^\/(\S+)\s*([\s\S]*)$/.exec(words);
  if (!typed) return null;
  const [, name, rest] = typed;
  const command = platform.commands.find((one) => one.name === name);
  if (!command) {
    return platform.name === "slack" ? { error: `/${name} is not a valid command here. Type / to see those that are.` } : null;
  }
  const options = platform.name === "slack" ? { text: rest } : discordOptions(rest, command.options);
  return { action: "command", name, options };
}

function discordOptions(rest, known) {
  const given = {};
  const names = known.map((option) => option.name).join("|");
  const pieces = names ? rest.split(new RegExp(`(?:^|\\s)(${names}):`)) : [rest];
  const first = known.find((option) => option.type === "text");
  if (pieces[0].trim() && first) given[first.name] = pieces[0].trim();
  for (let place = 1; place < pieces.length; place += 2) given[pieces[place]] = pieces[place + 1].trim();
  return given;
}
