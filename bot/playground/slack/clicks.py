"""What people do that goes to the app at once and never again: commands, buttons, menus of messages, forms."""

from bot.playground.slack.blocks_html import block_buttons
from bot.playground.slack.cast import Cast
from bot.playground.slack.forms import filled_in
from bot.playground.slack.payloads import message_json
from bot.playground.slack.records import Channel, Member, Message
from bot.playground.slack.response_urls import answer
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject, JsonValue, as_object, as_text
from bot.playground.slack.world import APP_ID
from bot.playground.view import NotPossible


class Clicks:
    """Interactions. Errors are `NotPossible` with what Slack would show."""

    def __init__(self, desk: Desk, cast: Cast) -> None:
        self._desk = desk
        self._cast = cast

    async def command(self, person: str, channel: str, name: str, text: str) -> str:
        """Use a slash command; returns what the acknowledgement says."""
        member, place = self._cast.member(person), self._cast.place(person, channel)
        command = name.removeprefix("/")
        if command not in (one.name for one in self._desk.rules.commands):
            raise NotPossible(f"/{command} is not a valid command.")
        note = f"{member.name.split()[0]} used /{command}"
        response_url = self._desk.interactions.response_url(member.id, place.id, note=note)
        payload: JsonObject = {
            "token": "deprecated",
            "team_id": self._desk.world.team.id,
            "team_domain": self._desk.world.team.domain,
            "channel_id": place.id,
            "channel_name": _name(place),
            "user_id": member.id,
            "user_name": member.handle,
            "command": f"/{command}",
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "true" if self._everywhere else "false",
            **({"enterprise_id": self._desk.world.team.enterprise} if self._desk.world.team.enterprise else {}),
            "response_url": response_url,
            "trigger_id": self._desk.interactions.trigger(member.id),
        }
        reply = await self._interact("slash_commands", payload, f"/{command}")
        return self._show_reply(response_url, reply)

    def _show_reply(self, response_url: str, reply: JsonObject) -> str:
        """An acknowledgement with a payload is a first answer."""
        if not reply:
            return ""
        url = self._desk.interactions.use_response_url(response_url.rsplit("/", 1)[1])
        try:
            message = None if isinstance(url, str) else answer(self._desk, url, Arguments(reply))
        except Refusal as problem:
            raise NotPossible(f"The application answered something invalid ({problem.error}).") from problem
        return message.text if message else ""

    async def press(self, person: str, channel: str, ts: str, button: str) -> None:
        """Press a button."""
        member, place = self._cast.member(person), self._cast.place(person, channel)
        message = self._cast.message(person, channel, ts)
        pressed = next((one for one in block_buttons(message.blocks) if one.view.id == button), None)
        if pressed is None:
            raise NotPossible("This button does not exist any more.")
        action = pressed.action | {"action_ts": self._desk.world.next_ts()}
        await self._interact("interactive", self._block_actions(member, place, message, action), "The button")

    def _block_actions(self, member: Member, place: Channel, message: Message, action: JsonObject) -> JsonObject:
        container: JsonObject = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": message.only_for is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        whole: JsonValue = message_json(self._desk.world, message)
        actions: list[JsonValue] = [action]
        return {
            "type": "block_actions",
            **self._who(member),
            "container": container,
            "channel": {"id": place.id, "name": _name(place)},
            **({} if message.only_for else {"message": whole}),
            "state": {"values": {}},
            "response_url": self._desk.interactions.response_url(
                member.id, place.id, message=message.ts, thread=message.thread_ts
            ),
            "actions": actions,
        }

    async def choose(self, person: str, channel: str, ts: str, menu: str) -> str:
        """Take an entry of a message's menu (a message shortcut). Slack shows nothing by itself."""
        member, place = self._cast.member(person), self._cast.place(person, channel)
        message = self._cast.message(person, channel, ts)
        if menu not in (one.id for one in self._desk.rules.shortcuts) or message.only_for is not None:
            raise NotPossible("There is no such entry.")
        whole: JsonValue = message_json(self._desk.world, message)
        payload: JsonObject = {
            "type": "message_action",
            **self._who(member),
            "callback_id": menu,
            "action_ts": self._desk.world.next_ts(),
            "channel": {"id": place.id, "name": _name(place)},
            "message_ts": message.ts,
            "message": whole,
            "response_url": self._desk.interactions.response_url(member.id, place.id, thread=message.thread_ts),
        }
        await self._interact("interactive", payload, "The shortcut")
        return ""

    async def submit(self, person: str, form: str, values: dict[str, str]) -> None:
        """Send a modal off. It closes unless the app finds a mistake."""
        member = self._cast.member(person)
        opened = self._desk.world.forms.get(form)
        if opened is None or opened.user != member.id:
            raise NotPossible("This form is not open any more.")
        state: JsonValue = {"values": filled_in(opened.view, values)}
        view: JsonValue = {**opened.view, "state": state}
        payload: JsonObject = {
            "type": "view_submission",
            **self._who(member),
            "view": view,
            "response_urls": [],
        }
        reply = await self._interact("view_submission", payload, "The form")
        action = as_text(reply.get("response_action"))
        if action == "errors":
            raise NotPossible(" ".join(as_text(one) for one in as_object(reply.get("errors")).values()))
        if action not in ("", "clear"):
            raise NotPossible(f"This workspace does not know the response_action {action}.")
        self._desk.world.forms.pop(form, None)

    @property
    def _everywhere(self) -> bool:
        """An organisation has the app, not this workspace alone."""
        return self._desk.grant is not None and self._desk.grant.organisation

    def _who(self, member: Member) -> JsonObject:
        """What all interactive payloads say about who and where."""
        team = self._desk.world.team
        return {
            "user": {
                "id": member.id,
                "username": member.handle,
                "name": member.handle,
                "team_id": self._desk.world.team.id,
            },
            "api_app_id": APP_ID,
            "token": "deprecated",
            "trigger_id": self._desk.interactions.trigger(member.id),
            "team": {"id": self._desk.world.team.id, "domain": self._desk.world.team.domain},
            "enterprise": {"id": team.enterprise} if team.enterprise else None,
            "is_enterprise_install": self._everywhere,
        }

    async def _interact(self, kind: str, payload: JsonObject, what: str) -> JsonObject:
        """Deliver once; Slack never repeats commands and clicks."""
        if self._desk.socket_mode.connections == 0:
            raise NotPossible(f'{what} failed with the error "dispatch_failed".')
        reply = await self._desk.socket_mode.deliver(
            "slash_commands" if kind == "slash_commands" else "interactive",
            payload,
            accepts_payload=kind in ("slash_commands", "view_submission"),
        )
        if reply is None:
            raise NotPossible(f'{what} failed with the error "operation_timeout": the application did not respond.')
        return reply


def _name(channel: Channel) -> str:
    return "directmessage" if channel.is_direct else channel.name
