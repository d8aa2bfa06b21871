"""Modals and home pages: whether Slack would take a view, what a person sees of it, what a filled-in one says."""

from collections.abc import Mapping

from bot.playground.slack.blocks import view_block_problems
from bot.playground.slack.wire import JsonObject, JsonValue, as_object, as_objects, as_text
from bot.playground.view import FieldView, FormView, NotPossible

_TITLE = 24
"""Characters of a modal's title and of each of its two buttons (documented)."""
_METADATA = 3_000
_CALLBACK = 255
_KEYS = {
    "modal": {
        "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
        "notify_on_close", "external_id", "submit_disabled",
    },
    "home": {"type", "blocks", "private_metadata", "callback_id", "external_id"},
}  # fmt: skip


def view_problems(view: JsonObject, kind: str) -> list[str]:
    """Everything that makes Slack refuse a view of this kind (`modal`, `home`); empty when it is fine."""
    if view.get("type") != kind:
        return [f"[ERROR] must be a {kind} [json-pointer:/view/type]"]
    found = [f"[ERROR] invalid additional property: {key} [json-pointer:/view]" for key in view.keys() - _KEYS[kind]]
    blocks = as_objects(view.get("blocks"))
    found += view_block_problems(blocks)
    for key, most in (("private_metadata", _METADATA), ("callback_id", _CALLBACK), ("external_id", _CALLBACK)):
        if len(as_text(view.get(key))) > most:
            found.append(f"[ERROR] must be less than {most + 1} characters [json-pointer:/view/{key}]")
    if kind == "modal":
        found += _modal_problems(view, has_input=any(block.get("type") == "input" for block in blocks))
    return found


def _modal_problems(view: JsonObject, *, has_input: bool) -> list[str]:
    found: list[str] = []
    for key in ("title", "submit", "close"):
        text = as_object(view.get(key))
        if key in view and (text.get("type") != "plain_text" or not 1 <= len(as_text(text.get("text"))) <= _TITLE):
            found.append(f"[ERROR] must be plain_text of 1 to {_TITLE} characters [json-pointer:/view/{key}]")
    if "title" not in view:
        found.append("[ERROR] missing required field: title [json-pointer:/view]")
    if has_input and "submit" not in view:
        found.append("[ERROR] missing required field: submit [json-pointer:/view]")
    return found


def form_view(view: JsonObject) -> FormView:
    """A modal as the page shows it."""
    submit = as_text(as_object(view.get("submit")).get("text"))
    return FormView(
        id=as_text(view.get("id")),
        title=as_text(as_object(view.get("title")).get("text")),
        fields=tuple(_field(block) for block in _inputs(view)),
        submit=submit or "Submit",
    )


def filled_in(view: JsonObject, values: Mapping[str, str]) -> JsonObject:
    """`state.values` of a submission: by block and action what the person has put in.

    Raises:
        NotPossible: a field does not exist, must be filled in, is too long, or has no such choice.
    """
    inputs = {as_text(block.get("block_id")): block for block in _inputs(view)}
    unknown = values.keys() - inputs.keys()
    if unknown:
        raise NotPossible(f"There is no field {sorted(unknown)[0]}.")
    filled: JsonObject = {}
    for name, block in inputs.items():
        element = as_object(block.get("element"))
        given = values.get(name, _field(block).value)
        if not given and not block.get("optional"):
            raise NotPossible("Please complete this required field.")
        filled[name] = {as_text(element.get("action_id")): _state(element, given)}
    return filled


def _state(element: JsonObject, given: str) -> JsonValue:
    kind = as_text(element.get("type"))
    if kind == "plain_text_input":
        most = element.get("max_length", 3_000)
        if isinstance(most, int) and len(given) > most:
            raise NotPossible(f"Please enter no more than {most} characters.")
        return {"type": kind, "value": given or None}
    option = next((one for one in as_objects(element.get("options")) if _label(one) == given), None)
    if given and option is None:
        raise NotPossible(f"There is no choice {given}.")
    return {"type": kind, "selected_option": option}


def _inputs(view: JsonObject) -> list[JsonObject]:
    return [block for block in as_objects(view.get("blocks")) if block.get("type") == "input"]


def _field(block: JsonObject) -> FieldView:
    element = as_object(block.get("element"))
    choices = tuple(_label(option) for option in as_objects(element.get("options")))
    initial = _label(as_object(element.get("initial_option"))) if choices else as_text(element.get("initial_value"))
    return FieldView(
        id=as_text(block.get("block_id")),
        label=as_text(as_object(block.get("label")).get("text")),
        placeholder=as_text(as_object(element.get("placeholder")).get("text")),
        value=initial,
        multiline=element.get("multiline") is True,
        required=block.get("optional") is not True,
        choices=choices,
    )


def _label(option: JsonObject) -> str:
    return as_text(as_object(option.get("text")).get("text"))
