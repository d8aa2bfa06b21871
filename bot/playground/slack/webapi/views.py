"""`views.*`: modals before one person, and the home page that each has."""

from bot.playground.slack.forms import form_view, view_problems
from bot.playground.slack.records import OpenForm
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.content import with_id
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, JsonValue, as_object, as_objects
from bot.playground.slack.world import APP_ID


def _view(desk: Desk, args: Arguments, kind: str) -> JsonObject:
    """The view of a call, complete."""
    view = as_object(args.json("view"))
    found = view_problems(view, kind)
    if found:
        messages: JsonValue = list(found)
        raise Refusal("invalid_arguments", response_metadata={"messages": messages})
    blocks: list[JsonValue] = [with_id(desk, block) for block in as_objects(view["blocks"])]
    state: JsonValue = {"values": {}}
    more: JsonObject = {
        "id": desk.world.new_id("V"),
        "team_id": desk.world.team.id,
        "app_id": APP_ID,
        "bot_id": desk.world.team.bot_id,
    }
    return {"private_metadata": "", "callback_id": "", **view, **more, "blocks": blocks,
            "hash": desk.world.token(10), "state": state}  # fmt: skip


def open_view(desk: Desk, args: Arguments) -> JsonObject:
    """`views.open`: shows a modal to the person whose deed gave the trigger."""
    trigger = desk.interactions.use_trigger(args.required("trigger_id", "invalid_trigger_id"))
    if isinstance(trigger, str):
        raise Refusal(trigger)
    view = _view(desk, args, "modal")
    desk.views.append(view)
    desk.world.forms[str(view["id"])] = OpenForm(trigger.user, view)
    desk.workspace.open_form(desk.world.members[trigger.user].person, form_view(view))
    shown: JsonValue = view
    return {"view": shown}


def publish(desk: Desk, args: Arguments) -> JsonObject:
    """`views.publish`: the home page of one person."""
    user = args.required("user_id")
    if not desk.rules.home_tab:
        raise Refusal("not_enabled")
    if user not in desk.world.members:
        raise Refusal("user_not_found")
    view = _view(desk, args, "home")
    desk.world.homes[user] = view
    desk.workspace.redecorate()
    shown: JsonValue = view
    return {"view": shown}


METHODS = (
    Method("views.open", open_view, ("trigger_id", "interactivity_pointer", "view"), tier="tier4", writes=True),
    Method("views.publish", publish, ("user_id", "view", "hash"), tier="tier4", writes=True),
)
