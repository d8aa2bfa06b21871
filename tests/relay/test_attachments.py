"""Files that come with a message."""

import io
import zipfile

import pytest
from structlog.testing import capture_logs

from bot.domain.deliveries import RemoteFile
from bot.domain.messages import ImageFilePart
from bot.errors import Fenced, Refused, Unreachable
from bot.ports import Store
from bot.relay import Relay, RelayPolicy
from bot.relay.attachments import FileIntake
from bot.relay.chat import Chat
from bot.relay.contract import Terms
from bot.relay.governor import Governor
from bot.relay.signatures import media_type_of
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, StoreControl, asked, assistant_of, event

OFFICE = "application/vnd.openxmlformats-officedocument"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def remote(name: str, size: int | None = None, refused: str | None = None) -> RemoteFile:
    return RemoteFile(name=name, size=size, source={"id": name}, refused=refused)


def intake(
    store: Store, adapter: MemoryAdapter, policy: RelayPolicy, control: StoreControl | None = None
) -> FileIntake:
    clock, address = FastClock(), event().address
    with Governor(adapter.capabilities.pacing, clock).stream(Terms(bucket="general")) as stream:
        return FileIntake(
            store.files, Chat(adapter, address, stream, clock, control or StoreControl(store)), policy, "run_1"
        )


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (archive("a.txt"), "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}.wordprocessingml.document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
        (archive(*map(str, range(3_000)), "[Content_Types].xml", "word/x"), "application/zip"),
        (b"PK\x03\x04 broken", "application/octet-stream"),
        ("Grüße, 漢字\n".encode(), "text/plain"),
        ("Grüße".encode("utf-16"), "text/plain"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "text/plain"),
        (b"  <!DOCTYPE html><html>", "text/html"),
        (b"\x7fELF\x02\x01", "application/octet-stream"),
        (b"abc\x00def", "application/octet-stream"),
        (b"caf\xe9", "application/octet-stream"),
    ],
)  # fmt: skip
def test_types_come_from_the_content(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


async def test_files_are_stored_and_attached_and_images_become_parts(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(contents={"pic.png": PNG, "notes.txt": b"notes"})
    work, lease = await asked(sqlite_store, event(files=[remote("pic.png"), remote("notes.txt")]))
    relay = Relay(
        sqlite_store,
        [adapter],
        SameEverywhere(await assistant_of(sqlite_store)),
        FastClock(),
        StoreControl(sqlite_store),
    )
    async with relay.open(work, lease) as sink:
        await sink.prepare()
    (message,) = await sqlite_store.history.up_to(work.run, 5)
    assert [attachment.name for attachment in message.attachments] == ["pic.png", "notes.txt"]
    (image,) = [part for part in message.content if isinstance(part, ImageFilePart)]
    assert image.file_id == message.attachments[0].file_id
    delivery = await sqlite_store.deliveries.get(work.run.id)
    assert delivery is not None
    assert delivery.files == ()


async def test_whatever_is_left_out_has_a_reason(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(
        capabilities=CAPABILITIES.model_copy(update={"max_file_bytes": 1_000}),
        contents={
            "lying.bin": bytes(5_000),
            "login.pdf": b"<html>please log in",
            "empty": b"",
            "page.html": b"<html>hi",
        },
    )
    adapter.faults["download"].extend([Refused("It was deleted."), Unreachable()])
    files = [
        remote("deleted"), remote("lost"), remote("huge", size=10_000_000), remote("lying.bin", size=10),
        remote("login.pdf"), remote("empty"), remote("forbidden", refused="It is on another site."),
        remote("page.html"),
    ]  # fmt: skip
    policy = RelayPolicy(max_files=8, parallel_downloads=1)
    with capture_logs() as logged:
        taken = await intake(sqlite_store, adapter, policy).take([*files, remote("ninth")])
    skipped = [one.attachment.skipped for one in taken if one.attachment.skipped]
    assert sorted(line["reason"] for line in logged if line["event"] == "file skipped") == sorted(skipped)
    assert all(line["run_id"] == "run_1" for line in logged)
    assert [(one.attachment.name, one.attachment.skipped) for one in taken] == [
        ("deleted", "It was deleted."),
        ("lost", "It could not be downloaded."),
        ("huge", "It is larger than 0.001 MB."),
        ("lying.bin", "It is larger than 0.001 MB."),
        ("login.pdf", "The platform sent a web page instead; the bot may lack the permission to read files."),
        ("empty", "It is empty."),
        ("forbidden", "It is on another site."),
        ("page.html", None),
        ("ninth", "Only 8 files are read with one message."),
    ]


async def test_a_download_that_never_ends_is_given_up(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(latency=30)
    (taken,) = await intake(sqlite_store, adapter, RelayPolicy(download_seconds=0.05)).take([remote("slow")])
    assert taken.attachment.skipped == "It took too long to download."


async def test_nothing_is_downloaded_by_a_process_that_lost_its_lanes(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(contents={"notes.txt": b"notes"})
    with pytest.raises(Fenced):
        await intake(sqlite_store, adapter, RelayPolicy(), StoreControl(sqlite_store, alive=False)).take(
            [remote("notes.txt")]
        )
    assert adapter.calls == []
