"""The assistants of a deployment: the one of the settings, and those of the file."""

from bot.configuration.rules import narrowed
from bot.configuration.tables import AssistantsFile, AssistantTable
from bot.domain.assistants import Assistant
from bot.domain.ids import new_id

GENERAL_INSTRUCTIONS = (
    "You are {name}, the assistant of a team. People talk to you in a chat. Answer briefly and plainly, in the "
    "language of the question. Use the tools when they help, and say so when you do not know."
)


def staff(file: AssistantsFile, usual: Assistant) -> tuple[Assistant, ...]:
    """All assistants, the usual one first.

    Args:
        file: as it was read and checked.
        usual: the one of the settings, with every tool there is. A table with its name changes it.
    """
    name = usual.name or ""
    others = [_of(other, table, usual) for other, table in file.assistants.items() if other != name]
    own = file.assistants.get(name, AssistantTable())
    return (_changed(usual, own), *others)


def _of(name: str, table: AssistantTable, usual: Assistant) -> Assistant:
    instructions = GENERAL_INSTRUCTIONS.format(name=name)
    update = {"id": new_id("asst_"), "name": name, "instructions": instructions}
    return _changed(usual.model_copy(update=update), table)


def _changed(known: Assistant, table: AssistantTable) -> Assistant:
    return known.model_copy(
        update={
            "model": table.model or known.model,
            "own_model": table.model is not None,
            "instructions": known.instructions if table.instructions is None else table.instructions,
            "tools": narrowed(known.tools, table.tools),
        }
    )
