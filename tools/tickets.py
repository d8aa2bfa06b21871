"""A ticket desk in the bot's own database: one desk, open to everybody who can talk to the bot on any platform."""

from typing import Literal

from bot.toolbox import ToolContext, ToolError, tool


@tool(effect="idempotent")
async def create_ticket(
    context: ToolContext,
    user_email: str,
    issue_summary: str,
    priority: Literal["low", "medium", "high", "urgent"],
) -> dict[str, object]:
    """Open a support ticket when an issue cannot be resolved at once.

    Args:
        user_email: E-mail address of the person who has the issue.
        issue_summary: One or two sentences that say what is wrong.
        priority: How urgent it is.
    """
    if "@" not in user_email:
        raise ToolError(f"{user_email!r} is not an e-mail address; ask the person for one.")
    asked_by = context.person.name if context.person else "the operator"
    number = await context.collection("tickets").add(
        {"email": user_email, "summary": issue_summary, "priority": priority, "state": "open", "asked_by": asked_by}
    )
    return {"ticket": number, "state": "open", "priority": priority}


@tool(effect="read")
async def list_tickets(
    context: ToolContext, state: Literal["open", "closed", "all"] = "open"
) -> list[dict[str, object]]:
    """List the newest support tickets.

    Args:
        state: Which tickets to list.
    """
    tickets = await context.collection("tickets").newest(limit=50)
    return [{"ticket": number, **fields} for number, fields in tickets if state in ("all", fields["state"])]


@tool(effect="idempotent")
async def close_ticket(context: ToolContext, ticket: int, resolution: str) -> dict[str, object]:
    """Close a support ticket.

    Args:
        ticket: Number of the ticket.
        resolution: One sentence that says how the issue was resolved.
    """
    changed = await context.collection("tickets").change(ticket, state="closed", resolution=resolution)
    if changed is None:
        raise ToolError(f"There is no ticket {ticket}.")
    return {"ticket": ticket, **changed}
