"""Response URLs: answers to a command or a click, without a token, a few times."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply, refused
from bot.playground.slack.interactions import ResponseUrl
from bot.playground.slack.records import Message
from bot.playground.slack.webapi.arguments import Arguments, Refusal, read_arguments
from bot.playground.slack.webapi.content import read_content
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject


class ResponseUrls:
    """Answers `/response/{key}`."""

    def __init__(self, desks: Callable[[], Sequence[Desk]], gate: Gate) -> None:
        """Of all workspaces."""
        self._desks = desks
        self._gate = gate

    async def handle(self, request: web.Request) -> web.Response:
        """One answer of the app."""
        values: JsonObject = {}
        problem: Refusal | None = None
        try:
            values = await read_arguments(request)
        except Refusal as refusal:
            problem = refusal

        async def work() -> Reply:
            key = request.match_info["key"]
            desk = next((one for one in self._desks() if one.interactions.gave(key)), self._desks()[0])
            url = desk.interactions.use_response_url(key)
            if isinstance(url, str):
                return refused(url, status=404)
            try:
                if problem is not None:
                    raise problem
                answer(desk, url, Arguments(values))
            except Refusal as refusal:
                return refused(refusal.error)
            return Reply("ok")

        return await self._gate.pass_through("response_url", request, values, work)


def answer(desk: Desk, url: ResponseUrl, args: Arguments) -> Message | None:
    """Carry an answer out: a new message, a replaced one, or a deleted one.

    Raises:
        Refusal: nothing to say, or too long.
    """
    old = desk.world.message(url.channel, url.message) if url.message else None
    if args.flag("delete_original"):
        if old is not None:
            desk.workspace.delete(old)
        return None
    content = read_content(desk, args)
    if old is not None and args.flag("replace_original", default=old.only_for is None and "response_type" not in args):
        return desk.workspace.edit(old, replace(old, text=content.text, blocks=content.blocks))
    message = Message(
        ts=desk.world.next_ts(),
        channel=url.channel,
        user=desk.world.team.bot_user,
        text=content.text[: desk.rules.text_cut],
        blocks=content.blocks,
        thread_ts=args.text("thread_ts") or url.thread,
        only_for=None if args.text("response_type") == "in_channel" else url.user,
        from_bot=True,
        note=url.note,
    )
    desk.workspace.say(message)
    return message
