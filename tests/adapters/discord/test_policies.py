"""What a channel's policy changes: who is heard, where the answer goes, and what belongs to one conversation."""

import pytest

from bot.domain.channels import ChannelPolicy
from bot.playground.discord.world import Message
from bot.ports import Store
from bot.relay.contract import Inbound, Outbound, Posted
from tests.adapters.discord.conftest import Bench, keeping, opened
from tests.support.reception import RecordingReception

DONE = Outbound(text="an answer", final=True)


def rule(bench: Bench, policy: ChannelPolicy) -> str:
    """Set the policy of a channel; returns the channel."""
    general = bench.channel("general")
    bench.reception.policies[f"discord:{bench.server.guild_id}:{general}"] = policy
    return general


async def asked(bench: Bench, channel: str, text: str, *, reply_to: str | None = None, notify: bool = True) -> Inbound:
    before = len(bench.reception.inbound)
    await bench.server.speak("ada", channel, text, reply_to=reply_to, notify=notify)
    return (await bench.reception.messages(before + 1))[-1]


async def answered(bench: Bench, inbound: Inbound, key: str) -> Posted:
    """The answer, known to the relay as the answers to it will be."""
    posted = await bench.adapter.post(inbound.event.address, DONE, key)
    if posted.conversation:
        bench.reception.join(posted.conversation)
    return posted


def found(bench: Bench, posted: Posted) -> Message:
    message = bench.server.world.message(posted.ref["message"])
    assert message is not None
    return message


async def passed(bench: Bench, channel: str, text: str, **how: object) -> None:
    """Say something that is not for the bot, and make sure that it was looked at."""
    before = len(bench.reception.deliveries)
    await bench.server.speak("ben", channel, text, **how)
    await bench.server.speak("ben", bench.dm("ben"), f"after {text}")
    await bench.reception.until(lambda: len(bench.reception.deliveries) > before)
    assert bench.reception.deliveries[before].event.text == f"after {text}"


class TestReplies:
    async def test_the_answer_is_a_reply_in_the_channel_that_notifies_the_asker(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(threads="reply"))
        question = await asked(bench, general, "@Parley hello")
        answer = found(bench, await answered(bench, question, "k1"))
        assert answer.channel.id == general
        assert answer.reply_to is not None
        assert answer.reply_to.content.endswith("hello")
        assert [(ping.who, ping.because) for ping in bench.server.pings] == [("Ada Moreno", "reply")]

    @pytest.mark.parametrize("notify", [True, False])
    async def test_a_reply_to_an_answer_goes_on_without_a_mention(self, bench: Bench, notify: bool) -> None:
        general = rule(bench, ChannelPolicy(threads="reply"))
        posted = await answered(bench, await asked(bench, general, "@Parley hello"), "k1")
        more = await asked(bench, general, "and more?", reply_to=posted.ref["message"], notify=notify)
        assert more.event.conversation == posted.conversation
        assert more.addressed is notify
        assert more.event.pointed_at == ()

    async def test_a_mention_further_down_the_chain_belongs_to_its_conversation(self, bench: Bench) -> None:
        """Also when it replies to what a person said: up the chain there is a message that we know."""
        general = rule(bench, ChannelPolicy(threads="reply"))
        posted = await answered(bench, await asked(bench, general, "@Parley hello"), "k1")
        aside = await bench.server.speak("ben", general, "I do not agree", reply_to=posted.ref["message"], notify=False)
        second = await bench.server.speak("chloe", general, "me neither", reply_to=aside)
        again = await asked(bench, general, "@Parley convince them", reply_to=second)
        assert again.event.conversation == posted.conversation

    async def test_a_mention_in_a_chain_of_people_begins_one_for_the_whole_chain(self, bench: Bench) -> None:
        """Its key is the root's, so that a mention in another branch of it belongs to the same."""
        general = rule(bench, ChannelPolicy(threads="reply"))
        root = await bench.server.speak("ben", general, "the build is broken")
        other = await bench.server.speak("chloe", general, "again?", reply_to=root)
        first = await asked(bench, general, "@Parley why?", reply_to=other)
        second = await asked(bench, general, "@Parley who?", reply_to=root)
        assert (
            first.event.conversation == second.event.conversation == f"discord:{bench.server.guild_id}:{general}:{root}"
        )

    async def test_two_mentions_are_two_conversations(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(threads="reply"))
        first, second = [await asked(bench, general, f"@Parley {text}") for text in ("one", "two")]
        assert first.event.conversation != second.event.conversation

    async def test_a_reply_among_people_is_not_heard(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(threads="reply"))
        question = await asked(bench, general, "@Parley hello")
        await answered(bench, question, "k1")
        await passed(bench, general, "to Ada", reply_to=question.event.address.place["message"])

    async def test_a_reply_of_the_time_in_which_nobody_listened_goes_on_as_well(self, sqlite_store: Store) -> None:
        async with opened() as server:
            reception = RecordingReception()
            async with keeping(server, sqlite_store, reception) as adapter:
                bench = Bench(server, adapter, reception, sqlite_store)
                general = rule(bench, ChannelPolicy(threads="reply"))
                posted = await answered(bench, await asked(bench, general, "@Parley hello"), "k1")
            await server.wait_for(lambda: not server.gateway.connected)
            await server.speak("ben", general, "and more?", reply_to=posted.ref["message"], notify=False)
            async with keeping(server, sqlite_store, reception):
                more = (await reception.messages(2))[-1]
        assert more.event.conversation == posted.conversation


class TestChannel:
    async def test_the_channel_is_one_conversation_whose_answers_notify_nobody(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(threads="channel", mentions="always"))
        first, second = [await asked(bench, general, text) for text in ("@Parley one", "two")]
        assert first.event.conversation == second.event.conversation == f"discord:{bench.server.guild_id}:{general}"
        answer = found(bench, await answered(bench, first, "k1"))
        assert answer.channel.id == general
        assert bench.server.pings == []

    async def test_two_answers_share_the_bucket_of_their_channel(self, bench: Bench) -> None:
        """So the governor lets their final edits take turns."""
        general = rule(bench, ChannelPolicy(threads="reply"))
        first, second = [await asked(bench, general, f"@Parley {text}") for text in ("one", "two")]
        buckets = {bench.adapter.terms(one.event.address).bucket for one in (first, second)}
        assert len(buckets) == 1

    async def test_without_always_a_mention_or_a_reply_to_an_answer_is_needed(self, bench: Bench) -> None:
        """Or the first mention would make the bot answer everything that is said there."""
        general = rule(bench, ChannelPolicy(threads="channel"))
        posted = await answered(bench, await asked(bench, general, "@Parley one"), "k1")
        await passed(bench, general, "among us")
        more = await asked(bench, general, "and?", reply_to=posted.ref["message"], notify=False)
        assert more.event.conversation == posted.conversation


class TestMentions:
    async def test_always_hears_what_does_not_mention_the_bot(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(mentions="always"))
        heard = await asked(bench, general, "is anybody there?")
        assert heard.addressed
        posted = await bench.adapter.post(heard.event.address, DONE, "k1")
        assert posted.ref["channel"] == heard.event.address.place["message"]

    async def test_required_needs_a_mention_in_a_thread_too(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(mentions="required"))
        posted = await answered(bench, await asked(bench, general, "@Parley hello"), "k1")
        await passed(bench, posted.ref["channel"], "between us")
        again = await asked(bench, posted.ref["channel"], "@Parley and you?")
        assert again.addressed
        assert again.event.text == "and you?"

    async def test_required_ignores_a_quiet_reply(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(threads="reply", mentions="required"))
        posted = await answered(bench, await asked(bench, general, "@Parley hello"), "k1")
        await passed(bench, general, "hm", reply_to=posted.ref["message"], notify=False)

    async def test_a_thread_has_the_rules_of_its_channel(self, bench: Bench) -> None:
        general = rule(bench, ChannelPolicy(mentions="always"))
        root = await bench.server.speak("ben", bench.channel("support"), "past the bot")
        thread = bench.server.deeds.start_thread("ben", general, await _said(bench, general), "Ours")
        heard = await asked(bench, thread, "no mention")
        assert heard.addressed
        assert heard.event.parent == f"discord:{bench.server.guild_id}:{general}"
        assert heard.event.conversation == f"discord:{bench.server.guild_id}:{thread}"
        assert root not in {inbound.event.address.place["message"] for inbound in bench.reception.inbound}

    async def test_the_role_that_only_the_bot_has_is_the_bot(self, bench: Bench) -> None:
        """People pick it from the list by mistake, for it is called the same."""
        general = bench.channel("general")
        heard = await asked(bench, general, f"<@&{bench.server.world.bot_role}> hello")
        assert heard.addressed


async def _said(bench: Bench, channel: str) -> str:
    before = len(bench.reception.inbound)
    message = await bench.server.speak("ben", channel, "a beginning")
    await bench.reception.messages(before + 1)
    return message


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("**How** do I `deploy`?", "How do I deploy?"),
        ("# Title\n> quote", "Title quote"),
        ("[click](https://evil.example/?q=1) https://a.example/b/c?d", "click a.example"),
        ("@everyone look <@&1>", "everyone look somebody"),
        ("zero\u200bwidth \u202eevil", "zerowidth evil"),
        ("||secret|| ~~x~~", "secret x"),
        ("x" * 200, "x" * 59 + "…"),
        ("* * *", "Conversation"),
    ],
)
async def test_a_thread_is_named_by_the_words_of_the_question(bench: Bench, question: str, name: str) -> None:
    """Nothing in a name is rendered or pings, and nothing in it should look as if it did."""
    heard = await asked(bench, bench.channel("general"), f"@Parley {question}")
    assert heard.event.address.place["thread_name"] == name
    await bench.adapter.post(heard.event.address, DONE, "k1")
    assert [channel.name for channel in bench.server.view().channels if channel.kind == "thread"] == [name]
    assert [call for call in bench.server.calls if call.method == "PATCH" and "name" in (call.request or {})] == []
