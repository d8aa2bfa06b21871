"""What people edit and delete in Slack reaches the relay by the message's own key; our own edits do not."""

from adapters.slack import SlackAdapter
from bot.domain.deliveries import Event
from bot.playground.slack import SlackStandIn
from tests.support.reception import RecordingReception

GENERAL = "C00GENERAL"


def key(ts: str, channel: str = GENERAL) -> str:
    return f"slack:message:T00PARLEY1:{channel}:{ts}"


async def asked(slack: SlackStandIn, reception: RecordingReception, text: str = "@Parley hello") -> Event:
    await slack.speak("ben", "general", text)
    await reception.until(lambda: len(reception.deliveries) == 2)
    return reception.inbound[0].event


async def test_an_edit_tells_the_new_text_by_the_messages_key(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """In the same words as the message itself would have come: no mention of us, names, Markdown."""
    event = await asked(slack, reception)
    ts = event.address.place["asked"]
    assert event.known_as == key(ts)
    await slack.amend("ben", "general", ts, "@Parley is it *that* one, @Ada Moreno?")
    await reception.until(lambda: len(reception.edits) == 1)
    (edit,) = reception.edits
    assert (edit.key, edit.text) == (key(ts), "is it **that** one, @Ada Moreno?")
    (message,) = (message for message in slack.messages("general") if message.ts == ts)
    assert message.edited_ts is not None
    assert edit.at == float(message.edited_ts) > float(ts)
    assert len(reception.inbound) == 1


async def test_an_edit_in_a_thread_is_told_too(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "dm", "hello")
    reply = await slack.speak("ben", "dm", "and mroe", thread=root)
    await reception.messages(2)
    await slack.amend("ben", "dm", reply, "and more")
    await reception.until(lambda: len(reception.edits) == 1)
    assert (reception.edits[0].key, reception.edits[0].text) == (key(reply, "D000000BEN"), "and more")


async def test_an_edit_that_could_not_be_stored_comes_again(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = (await asked(slack, reception)).address.place["asked"]
    reception.unavailable = 1
    await slack.amend("ben", "general", ts, "@Parley hello again")
    await reception.until(lambda: len(reception.edits) == 1)
    assert [one.attempt for one in slack.sent[-2:]] == [0, 1]


async def test_a_links_preview_is_no_edit(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = (await asked(slack, reception, "@Parley see https://a.example/")).address.place["asked"]
    slack.preview(GENERAL, ts, "https://a.example/")
    await slack.amend("ben", "general", ts, "@Parley see nothing")
    await reception.until(lambda: len(reception.edits) == 1)
    assert reception.edits[0].text == "see nothing"
    assert len(slack.sent) == 4  # two for the mention, the preview, the edit


async def test_our_own_edits_and_deletions_ask_nobody(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """They come back as events, many a second."""
    own = await (await adapter._workspaces.all())[0].api.post({"channel": GENERAL, "text": "mine", "blocks": []})  # pyright: ignore[reportPrivateUsage]
    await slack.speak("ada", "general", "why?", thread=own.ts)
    reception.unavailable = 100  # whatever asked the store would not be acknowledged
    await (await adapter._workspaces.all())[0].api.update(
        {"channel": GENERAL, "ts": own.ts, "text": "mine!", "blocks": []}
    )  # pyright: ignore[reportPrivateUsage]
    await slack.retract("ada", "general", own.ts)
    await slack.wait_for(lambda: len(slack.sent) == 4)
    reception.unavailable = 0
    await slack.speak("ada", "dm", "the end")
    await reception.until(lambda: any(one.event.text == "the end" for one in reception.inbound))
    assert not reception.edits
    assert not reception.deletions


async def test_a_deletion_names_the_message(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Also when an administrator deleted it, and also when replies keep a stone in its place."""
    ts = (await asked(slack, reception)).address.place["asked"]
    reply = await slack.speak("ben", "general", "anybody?", thread=ts)
    await slack.retract("ada", "general", ts)
    await reception.until(lambda: len(reception.deletions) == 1)
    await slack.retract("ben", "general", reply)
    await reception.until(lambda: len(reception.deletions) == 2)
    assert [one.keys for one in reception.deletions] == [(key(ts),), (key(reply),)]
    assert not reception.edits


async def test_a_deletion_that_could_not_be_stored_comes_again(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = (await asked(slack, reception)).address.place["asked"]
    reception.unavailable = 1
    await slack.retract("ben", "general", ts)
    await reception.until(lambda: len(reception.deletions) == 1)
    assert [one.attempt for one in slack.sent[-2:]] == [0, 1]


async def test_a_forwarded_message_is_pointed_at(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """With its author and its words, and not under the original's key: its edits may be for other eyes."""
    source = await slack.speak("ben", "support", "the *server* is down")
    slack.forward("ada", ("support", source), "general", "@Parley what does that mean?")
    (inbound,) = await reception.messages(1)
    (heard,) = inbound.event.pointed_at
    assert inbound.event.text == "what does that mean?"
    assert (heard.text, heard.author.name) == ("the **server** is down", "Ben Okafor")
    assert heard.key == f"{inbound.event.source}:0"
    await slack.amend("ben", "support", source, "the password is 1234")
    await slack.retract("ben", "support", source)
    await reception.until(lambda: len(reception.edits) == len(reception.deletions) == 1)
    assert heard.key not in {reception.edits[0].key, *reception.deletions[0].keys}


async def test_a_forwarded_message_without_a_comment_is_a_question(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    source = await slack.speak("ben", "support", "stop")
    slack.forward("ada", ("support", source), "dm", "")
    (inbound,) = await reception.messages(1)
    assert inbound.event.pointed_at[0].text == "stop"
    assert not reception.commands
