"""Forms that the bot opens for one person: what they may look like, and what is filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.playground.discord.checks import ACTION_ROW, numbered
from bot.playground.discord.refusals import invalid, parsed
from bot.playground.discord.wire import ComponentBody, FormBody, JsonObject, TextInputBody
from bot.playground.view import FieldView, FormView, NotPossible

LABEL, TEXT_INPUT, TEXT_DISPLAY = 18, 4, 10
"""Component types; other fields than texts are not to be had here."""
_PARAGRAPH = 2
_LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was checked, with the ids that Discord gives its parts."""

    custom_id: str
    title: str
    components: tuple[ComponentBody, ...]

    def view(self, form_id: str) -> FormView:
        """As the person sees it; its button is always called the same."""
        fields = tuple(
            FieldView(
                id=field.custom_id,
                label=label,
                placeholder=field.placeholder or "",
                value=field.value or "",
                multiline=field.style == _PARAGRAPH,
                required=field.required is not False,
            )
            for label, field in self._fields()
        )
        return FormView(id=form_id, title=self.title, fields=fields)

    def filled_in(self, values: Mapping[str, str]) -> list[JsonObject]:
        """The components of the submission.

        Raises:
            NotPossible: what Discord's own window would not let pass.
        """
        fields = {field.custom_id: (label, field) for label, field in self._fields()}
        if unknown := set(values) - set(fields):
            raise NotPossible(f"This form has no field {sorted(unknown)[0]}.")
        texts = {name: values.get(name, field.value or "") for name, (_, field) in fields.items()}
        for name, (label, field) in fields.items():
            _check_filled(label, field, texts[name])
        return [_submitted(component, texts) for component in self.components if component.type != TEXT_DISPLAY]

    def _fields(self) -> Iterator[tuple[str, TextInputBody]]:
        for component in self.components:
            if held := _held(component):
                field = TextInputBody.model_validate(held.model_dump())
                yield (component.model_dump().get("label") or field.label or ""), field


def checked_form(data: object) -> Form:
    """A form as it was sent.

    Raises:
        Refusal: 50035, naming the part that is wrong.
    """
    body = parsed(FormBody, data)
    _check_length("title", body.title, 45)
    _check_length("custom_id", body.custom_id, 100)
    if not 1 <= len(body.components) <= 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    names: set[str] = set()
    for index, component in enumerate(body.components):
        _check_component(f"components.{index}", component, names)
    return Form(body.custom_id, body.title, tuple(_numbered(body.components)))


def _check_component(where: str, component: ComponentBody, names: set[str]) -> None:
    if component.type == TEXT_DISPLAY:
        return
    if component.type not in {LABEL, ACTION_ROW}:
        raise invalid(f"{where}.type", "UNION_TYPE_CHOICES", "Value of field must be one of (1, 10, 18).")
    held = _held(component)
    if held is None or held.type != TEXT_INPUT:
        raise invalid(f"{where}.component", "BASE_TYPE_REQUIRED", "The stand-in knows text inputs only.")
    field = parsed(TextInputBody, held.model_dump(exclude_none=True))
    label = component.label if component.type == LABEL else field.label
    _check_length(f"{where}.label", label or "", 45)
    _check_length(f"{where}.custom_id", field.custom_id, 100)
    if len(field.placeholder or "") > 100:
        raise invalid(f"{where}.placeholder", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    if len(field.value or "") > (field.max_length or _LONGEST_TEXT) or (field.max_length or 1) > _LONGEST_TEXT:
        raise invalid(f"{where}.value", "BASE_TYPE_MAX_LENGTH", f"Must be {_LONGEST_TEXT} or fewer in length.")
    if field.custom_id in names:
        message = "Component custom id cannot be duplicated"
        raise invalid(f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    names.add(field.custom_id)


def _check_length(where: str, text: str, most: int) -> None:
    if not 1 <= len(text) <= most:
        raise invalid(where, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")


def _held(component: ComponentBody) -> ComponentBody | None:
    """The field in a label, or in a row as forms had them before there were labels."""
    if component.type == LABEL:
        return component.component
    return next(iter(component.components or ()), None) if component.type == ACTION_ROW else None


def _numbered(components: tuple[ComponentBody, ...]) -> Iterator[ComponentBody]:
    first = 1
    for component in components:
        if component.type == LABEL and component.component:
            held = component.component.model_copy(update={"id": first + 1})
            yield component.model_copy(update={"id": first, "component": held})
            first += 2
        else:
            (row,) = numbered([component], first)
            yield row
            first += 1 + len(row.components or ())


def _check_filled(label: str, field: TextInputBody, text: str) -> None:
    if not text and field.required is not False:
        raise NotPossible(f"{label} is required.")
    if len(text) > (field.max_length or _LONGEST_TEXT):
        raise NotPossible(f"{label} may have {field.max_length or _LONGEST_TEXT} characters.")
    if text and len(text) < (field.min_length or 0):
        raise NotPossible(f"{label} needs {field.min_length} characters.")


def _submitted(component: ComponentBody, texts: Mapping[str, str]) -> JsonObject:
    held = _held(component)
    assert held is not None  # noqa: S101 - checked when it was opened
    custom_id = held.custom_id or ""
    field: JsonObject = {"type": TEXT_INPUT, "id": held.id, "custom_id": custom_id, "value": texts[custom_id]}
    about: JsonObject = {"type": component.type, "id": component.id}
    return about | ({"component": field} if component.type == LABEL else {"components": [field]})
