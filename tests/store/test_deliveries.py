"""Which chat messages carry an answer."""

import asyncio

import pytest

from bot.domain.deliveries import Address, DeliveryState, RemoteFile, SegmentState
from bot.domain.messages import Attachment, ImageFilePart, TextPart
from bot.errors import IllegalTransition
from tests.store.scene import ASSISTANT, Scene, an_event


async def test_an_intent_comes_before_the_platforms_id(scene: Scene) -> None:
    lease, work = await scene.started()
    segment = await scene.store.deliveries.begin_segment(lease, work.run.id)
    assert (segment.position, segment.state, segment.ref) == (0, SegmentState.STARTED, {})
    assert 0 < len(segment.key) <= 25
    posted = await scene.store.deliveries.posted(lease, segment, {"ts": "1.2"})
    assert (posted.state, posted.ref, posted.key) == (SegmentState.POSTED, {"ts": "1.2"}, segment.key)
    assert await scene.store.deliveries.segments(work.run.id) == (posted,)


async def test_an_intent_without_an_outcome_is_given_again_with_its_key(scene: Scene) -> None:
    lease, work = await scene.started()
    first = await scene.store.deliveries.begin_segment(lease, work.run.id)
    assert await scene.store.deliveries.begin_segment(lease, work.run.id) == first


async def test_segments_have_positions_and_keys_of_their_own(scene: Scene) -> None:
    lease, work = await scene.started()
    deliveries = scene.store.deliveries
    segments = []
    for _ in range(12):
        segment = await deliveries.begin_segment(lease, work.run.id)
        segments.append(await deliveries.posted(lease, segment, {}))
    assert [segment.position for segment in segments] == list(range(12))
    assert len({segment.key for segment in segments}) == 12
    assert await deliveries.segments(work.run.id) == tuple(segments)


async def test_a_lost_segment_keeps_its_number(scene: Scene) -> None:
    lease, work = await scene.started()
    deliveries = scene.store.deliveries
    segment = await deliveries.posted(lease, await deliveries.begin_segment(lease, work.run.id), {"id": "1"})
    lost = await deliveries.abandon_segment(lease, segment)
    assert (lost.state, lost.ref) == (SegmentState.ABANDONED, {"id": "1"})
    successor = await deliveries.begin_segment(lease, work.run.id)
    assert successor.position == 1
    with pytest.raises(IllegalTransition):
        await deliveries.posted(lease, lost, {"id": "2"})


async def test_files_taken_in_move_from_the_delivery_to_the_message(scene: Scene) -> None:
    file = RemoteFile(name="a.png", source={"id": "F1"})
    await scene.store.intake.accept(an_event("Look", files=(file,)), ASSISTANT)
    lease, work = await scene.take()
    attachment = Attachment(name="a.png", file_id="file-1")
    image = ImageFilePart(file_id="file-1")
    await scene.store.deliveries.attach(lease, work.run.id, [attachment], [image])
    delivery = await scene.store.deliveries.get(work.run.id)
    assert delivery is not None
    assert delivery.files == ()
    (message,) = await scene.store.history.up_to(work.run, 1)
    assert message.attachments == (attachment,)
    assert message.content == (TextPart(value="Look"), image)


async def test_twenty_changes_at_once_are_all_kept(scene: Scene) -> None:
    """Read, add, write: with a driver's default transactions 19 of 20 get lost on SQLite without an error."""
    lease, work = await scene.started()
    attachments = [Attachment(name=f"{number}.txt") for number in range(20)]
    deliveries = scene.store.deliveries
    await asyncio.gather(*(deliveries.attach(lease, work.run.id, [one], []) for one in attachments))
    (message,) = await scene.store.history.up_to(work.run, 1)
    assert {one.name for one in message.attachments} == {one.name for one in attachments}


async def test_what_is_closed_stays_as_it_is(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.ABANDONED)
    delivery = await scene.store.deliveries.get(work.run.id)
    assert delivery is not None
    assert delivery.state is DeliveryState.DELIVERED


async def test_a_run_that_does_not_exist_has_no_delivery(scene: Scene) -> None:
    assert await scene.store.deliveries.get("run_nowhere") is None
    assert await scene.store.deliveries.segments("run_nowhere") == ()


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.ABANDONED])
async def test_the_secrets_of_an_address_are_forgotten_when_it_is_closed(scene: Scene, state: DeliveryState) -> None:
    place = {"channel": "C1", "token": "s3cret", "reply": "https://reply"}
    address = Address(platform="test", place=place, secrets=("token", "reply", "not there"))
    event = an_event().model_copy(update={"address": address})
    await scene.store.intake.accept(event, ASSISTANT)
    lease, work = await scene.take()
    before = await scene.store.deliveries.get(work.run.id)
    assert before is not None
    assert before.address == address
    await scene.store.deliveries.close(lease, work.run.id, state)
    delivery = await scene.store.deliveries.get(work.run.id)
    assert delivery is not None
    assert (delivery.state, delivery.address.place) == (state, {"channel": "C1"})
