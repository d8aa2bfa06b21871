"""The model's Markdown as Discord shows it, and what people write as Markdown."""

import re

import discord

from bot.domain.names import person_name

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_RULE_CELL = re.compile(r":?-+:?")
_WIDEST = 500
"""Characters of a table's line. A wider one is no table on any screen, and padding it would take n² characters."""
_MASS = re.compile(r"@(?=everyone\b|here\b)")
_UNNAMED = re.compile(r"<@[!&]?\d+>")
_INVISIBLE = "\u200b"


class DiscordDialect:
    """Tables become aligned code blocks and deep headings bold, since Discord has neither; nobody is pinged."""

    def convert(self, markdown: str) -> str:
        """The text as Discord's Markdown. Against pings `allowed_mentions` is the guarantee, this the second wall."""
        out: list[str] = []
        table: list[str] = []
        fence = ""
        for line in markdown.split("\n"):
            marker = _FENCE.match(line)
            if fence:
                out.append(line)
                if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence = ""
                continue
            if "|" in line and not marker:
                table.append(line)
                continue
            out += _table(table)
            table = []
            if marker:
                fence = marker[1]
            out.append(_line(line))
        out += _table(table)
        return _MASS.sub(f"@{_INVISIBLE}", "\n".join(out))


def _line(line: str) -> str:
    """A heading deeper than three, which Discord does not know, as bold; by hand, for a pattern would backtrack."""
    level = len(line) - len(line.lstrip("#"))
    if not 4 <= level <= 6 or not line[level : level + 1].isspace():
        return line
    words = line[level:].strip().rstrip("#").rstrip()
    return f"**{words}**" if words else line


def _is_rule(line: str) -> bool:
    """Whether it is the line under a table's head: dashes between bars."""
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return all(_RULE_CELL.fullmatch(cell.strip()) for cell in cells)


def _table(lines: list[str]) -> list[str]:
    """Lines with bars: a code block with aligned columns if they are a table, otherwise themselves."""
    if len(lines) < 2 or not _is_rule(lines[1]):
        return [_line(line) for line in lines]
    rows = [_cells(line) for line in lines[:1] + lines[2:]]
    columns = max(len(row) for row in rows)
    if columns + max(len(line) for line in lines) > _WIDEST:
        return [_line(line) for line in lines]
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    aligned = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return ["```", aligned[0], "  ".join("─" * width for width in widths), *aligned[1:], "```"]


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    cells = re.split(r"(?<!\\)\|", inner)
    return [cell.strip().replace("\\|", "|").replace("```", "'''") for cell in cells]


def as_markdown(message: discord.Message, own_id: int) -> str:
    """What the person wrote: the bot's own mention taken out, other mentions as names."""
    text = re.sub(rf"<@!?{own_id}>", "", message.content)
    for user in message.mentions:
        text = re.sub(rf"<@!?{user.id}>", f"@{person_name(user.display_name)}", text)
    for role in message.role_mentions:
        text = text.replace(f"<@&{role.id}>", f"@{person_name(role.name)}")
    for channel in message.channel_mentions:
        text = text.replace(f"<#{channel.id}>", f"#{channel.name}")
    return without_ids(text).strip()


def without_ids(text: str) -> str:
    """A text with emoji by name, and without mentions of which nobody says whom they mean."""
    return _UNNAMED.sub("@somebody", re.sub(r"<a?:(\w+):\d+>", r":\1:", text))
