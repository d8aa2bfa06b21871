"""Answers that only one person sees.

Slack keeps no record of them: they cannot be found again, edited or taken back. So they come when they are complete,
and when it is not known whether one arrived, it is shown once more: rather twice to that person than never.
"""

from collections import OrderedDict
from hashlib import sha256

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.blocks import blocks
from adapters.slack.markup import escaped, fallback
from adapters.slack.places import PLATFORM, Place, Ref
from adapters.slack.surface import Surface
from adapters.slack.uploads import Uploads
from bot.errors import Forbidden, Gone, PlatformError, Refused
from bot.relay.contract import Outbound, Posted, Terms

log = structlog.get_logger()

MESSAGES = 4
"""Messages of one answer: a `response_url` is good for five, and one may have gone for the note that it is coming."""
KEPT = 500
"""Answers whose files are remembered, so that a repeated edit does not bring them twice."""
FILES_HERE = "The files of the answer that only you have seen in <#{channel}>:"
NO_FILES = "I could not send you the files of this answer."


def terms(place: Place) -> Terms:
    """What holds for a private answer."""
    return Terms(bucket=f"{PLATFORM}:{place.team}", interim=False, buttons=False, max_segments=MESSAGES)


class Whispers:
    """Shows answers to one person."""

    def __init__(self, api: SlackApi, uploads: Uploads) -> None:
        """Bring files with `uploads`."""
        self._api = api
        self._surface = Surface(api)
        self._uploads = uploads
        self._files: OrderedDict[tuple[str, str], Ref] = OrderedDict()

    async def post(self, place: Place, outbound: Outbound) -> Posted:
        """Show a message, in one request: as an ephemeral message, or where we are no member by the `response_url`.

        Raises:
            Gone, Forbidden: there is no way to the person any more.
        """
        lead = None if outbound.continuation else place.lead
        words = f"{lead}\n\n{outbound.text}" if lead else outbound.text
        text, parts = fallback(words), blocks(outbound, lead)
        try:
            content: dict[str, object] = {"text": text, "blocks": parts}
            await self._surface.whisper(place.channel, place.private or "", content, place.thread)
        except (Forbidden, Gone):
            if place.response_url is None:
                raise
            await self._api.respond(place.response_url, text, parts)
        return Posted(ref=Ref(channel=place.channel, shows=_fingerprint(outbound)).as_dict())

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Show it once more if it says something else now, and bring its files into the direct messages."""
        if ref.shows != _fingerprint(outbound):
            await self.post(place, outbound)
        if outbound.files:
            await self._bring(place, outbound)

    async def _bring(self, place: Place, outbound: Outbound) -> None:
        """Files cannot be shown to one person in a channel."""
        user, answer = place.private or "", _fingerprint(outbound)
        try:
            ref = self._files.get((user, answer))
            if ref is None:
                note = {"text": FILES_HERE.format(channel=place.channel), "unfurl_links": False, "unfurl_media": False}
                sent = await self._api.post({"channel": await self._surface.direct(user), **note})
                ref = self._files[user, answer] = Ref(channel=sent.channel, ts=sent.ts)
                if len(self._files) > KEPT:
                    self._files.popitem(last=False)
            await self._uploads.attach(ref, None, outbound.files, first=True)
        except (Forbidden, Gone, Refused) as error:
            log.warning("slack private files not sent", error=str(error))
            await self._apologise(place)

    async def _apologise(self, place: Place) -> None:
        try:
            await self._surface.whisper(place.channel, place.private or "", {"text": escaped(NO_FILES)}, place.thread)
        except PlatformError as error:
            log.info("slack asker not told", error=str(error))


def _fingerprint(outbound: Outbound) -> str:
    return sha256(f"{outbound.text}\0{outbound.footer}".encode()).hexdigest()[:16]
