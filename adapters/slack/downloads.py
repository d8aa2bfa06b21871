"""Files on their way in: only from Slack's own hosts, never a login page, never larger than allowed."""

from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from adapters.slack.api import SlackApi
from adapters.slack.errors import DEFAULT_WAIT, retry_after, slack_errors
from bot.domain.deliveries import RemoteFile
from bot.errors import RateLimited, Refused, Unreachable

PIECE = 65_536
REDIRECTS = 3
TIMEOUT = aiohttp.ClientTimeout(total=300, connect=5, sock_read=30)
ELSEWHERE = "It is kept outside of Slack, where I may not fetch it."
LOGIN_PAGE = "Slack did not hand it out: the app lacks the permission `files:read`."


async def download(api: SlackApi, file: RemoteFile, max_bytes: int) -> AsyncIterator[bytes]:
    """The file's bytes in pieces.

    Raises:
        Refused: with a sentence for the person.
        RateLimited, Unreachable: worth another attempt.
    """
    if file.refused:
        raise Refused(file.refused)
    with slack_errors():
        response = await _open(api, file.source.get("url", ""))
        async with response:
            async for piece in _checked(response, file, max_bytes):
                yield piece


async def _open(api: SlackApi, url: str) -> aiohttp.ClientResponse:
    """Follow redirects by hand: every host is checked, and only the first gets the token."""
    headers = api.bearer()
    for _ in range(REDIRECTS + 1):
        if not api.trusts(url):
            raise Refused(ELSEWHERE)
        response = await api.session().get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT)
        if response.status not in (301, 302, 303, 307, 308):
            return response
        location = response.headers.get("Location", "")
        url, headers = str(response.url.join(URL(location))), {}
        response.release()
    raise Refused("Slack sent me around in circles.")


async def _checked(response: aiohttp.ClientResponse, file: RemoteFile, max_bytes: int) -> AsyncIterator[bytes]:
    _refuse_failures(response)
    if (response.content_length or 0) > max_bytes:
        raise Refused(_too_large(max_bytes))
    total = 0
    async for piece in response.content.iter_chunked(PIECE):
        if total == 0 and _is_login_page(response, file, piece):
            raise Refused(LOGIN_PAGE)
        total += len(piece)
        if total > max_bytes:
            raise Refused(_too_large(max_bytes))
        yield piece


def _refuse_failures(response: aiohttp.ClientResponse) -> None:
    if response.status == 200:
        return
    if response.status == 429:
        wait = retry_after(response.headers)
        raise RateLimited(DEFAULT_WAIT if wait is None else wait)
    if response.status >= 500:
        raise Unreachable(f"Slack's file server failed with HTTP {response.status}.")
    if response.status in (404, 410):
        raise Refused("It is not there any more.")
    raise Refused(f"Slack did not hand it out (HTTP {response.status}).")


def _is_login_page(response: aiohttp.ClientResponse, file: RemoteFile, beginning: bytes) -> bool:
    """Whether Slack sent its login page, with status 200, instead of the file: HTML where none was announced.

    For a file that is HTML itself only the size tells them apart.
    """
    page = response.content_type == "text/html" or beginning.lstrip()[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    )
    if not page:
        return False
    if "html" not in file.source.get("type", ""):
        return True
    return response.content_length is not None and file.size is not None and response.content_length != file.size


def _too_large(max_bytes: int) -> str:
    return f"It is larger than {max_bytes // 1_048_576} MB."
