"""Answers to interactions: the callback, the original, and what follows."""

from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.posting import Posting
from bot.playground.discord.refusals import parsed
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import Asked, CallbackBody, MessageBody, Reply
from bot.playground.discord.world import Message

_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
_CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"


class Answers:
    """What is done with an interaction's token."""

    def __init__(self, scene: Scene, posting: Posting, interactions: Interactions) -> None:
        self._scene = scene
        self._posting = posting
        self._interactions = interactions

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        endpoints = [
            Endpoint("POST", _CALLBACK, self.callback, "free", public=True),
            Endpoint("POST", _WEBHOOK, self.follow_up, "webhook", public=True),
        ]
        for which in ("@original", "{message_id}"):
            path = f"{_WEBHOOK}/messages/{which}"
            endpoints += [
                Endpoint("GET", path, self.get_answer, "webhook", public=True),
                Endpoint("PATCH", path, self.edit_answer, "webhook", public=True),
                Endpoint("DELETE", path, self.delete_answer, "webhook", public=True),
            ]
        return endpoints

    def callback(self, asked: Asked) -> Reply:
        """The first answer to an interaction."""
        params = asked.params
        body = parsed(CallbackBody, asked.body)
        token = params["interaction_token"]
        interaction = self._interactions.callback(params["interaction_id"], token, body, asked.files)
        if asked.query.get("with_response", "").lower() in {"1", "true"}:
            return Reply(200, self._interactions.callback_response(interaction))
        return Reply(204)

    def follow_up(self, asked: Asked) -> Reply:
        """A further message of an interaction."""
        interaction = self._interactions.with_token(asked.params["webhook_id"], asked.params["webhook_token"])
        message = self._interactions.follow_up(interaction, parsed(MessageBody, asked.body), asked.files)
        return Reply(200, self._scene.payloads.message(message))

    def get_answer(self, asked: Asked) -> Reply:
        """A message of an interaction."""
        return Reply(200, self._scene.payloads.message(self._answer(asked)))

    def edit_answer(self, asked: Asked) -> Reply:
        """Edit a message of an interaction."""
        message = self._posting.edit(self._answer(asked), parsed(MessageBody, asked.body), asked.files)
        return Reply(200, self._scene.payloads.message(message))

    def delete_answer(self, asked: Asked) -> Reply:
        """Delete a message of an interaction."""
        self._posting.delete(self._answer(asked))
        return Reply(204)

    def _answer(self, asked: Asked) -> Message:
        interaction = self._interactions.with_token(asked.params["webhook_id"], asked.params["webhook_token"])
        return self._interactions.message_of(interaction, asked.params.get("message_id", "@original"))
