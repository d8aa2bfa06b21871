"""Files on their way in: only from Slack's own hosts, never a login page."""

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
NO_ADDRESS = "Slack gave an address for it that is none."
LOGIN_PAGE = "Slack did not hand it out: the app lacks the permission `files:read`."


async def download(api: SlackApi, file: RemoteFile) -> AsyncIterator[bytes]:
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
            async for piece in _checked(response, file):
                yield piece


async def _open(api: SlackApi, url: str) -> aiohttp.ClientResponse:
    """Follow redirects by hand: every host is checked, and only the first gets the token."""
    headers = api.bearer()
    for _ in range(REDIRECTS + 1):
        if not api.trusts(url):
            raise Refused(ELSEWHERE)
        try:
            response = await api.session().get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT)
        except ValueError as error:  # also aiohttp's own `InvalidURL`
            raise Refused(NO_ADDRESS) from error
        if response.status not in (301, 302, 303, 307, 308):
            return response
        response.release()
        url, headers = _next(response), {}
    raise Refused("Slack sent me around in circles.")


def _next(response: aiohttp.ClientResponse) -> str:
    try:
        return str(response.url.join(URL(response.headers.get("Location", ""))))
    except ValueError as error:
        raise Refused(NO_ADDRESS) from error


async def _checked(response: aiohttp.ClientResponse, file: RemoteFile) -> AsyncIterator[bytes]:
    _refuse_failures(response)
    beginning = True
    async for piece in response.content.iter_chunked(PIECE):
        if beginning and _is_login_page(response, file, piece):
            raise Refused(LOGIN_PAGE)
        beginning = False
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
