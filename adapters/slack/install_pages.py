"""What people see of an installation: plain pages that say what happened and what to do next.

Nothing that came in with a request is shown; names from Slack are escaped. The pages run nothing and load nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from adapters.slack.replies import Identity
from bot.relay.contract import WebReply

HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)
"""Of every answer: the address of the page has a code in it, which nobody else may learn."""
_AGAIN = '<p><a href="/slack/install">Start the installation again</a></p>'


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    status: int
    title: str
    body: str
    """HTML, escaped where it has to be."""

    def reply(self, *headers: tuple[str, str]) -> WebReply:
        """As the server sends it."""
        html = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
            f"<title>{escape(self.title)}</title></head><body><h1>{escape(self.title)}</h1>{self.body}</body></html>"
        )
        return WebReply(status=self.status, body=html, content_type="text/html", headers=(*HEADERS, *headers))


STALE = Page(
    400,
    "This installation cannot be finished",
    "<p>It was begun in another browser or more than ten minutes ago, or it is finished already.</p>" + _AGAIN,
)
CANCELLED = Page(200, "Nothing was installed", "<p>You did not allow it, so nothing has changed.</p>" + _AGAIN)
REFUSED = Page(
    502,
    "Slack did not let the app in",
    "<p>Please tell whoever runs this app: its log says why. Often the client id, the client secret or the redirect "
    "URL of the app's page at Slack differ from the settings.</p>" + _AGAIN,
)
LATER = Page(503, "This did not work just now", "<p>Please try again in a moment.</p>" + _AGAIN)


def installed(name: str, app_id: str, identity: Identity, lacking: Sequence[str]) -> Page:
    """It worked. `lacking` are permissions that were not given."""
    where = urlencode({"app": app_id, "team": identity.tenant})
    steps = (
        "An administrator of the organisation now adds it to workspaces, on the organisation's page of apps."
        if identity.is_enterprise_install
        else "Invite it into a channel with <code>/invite</code> and mention it, or write to it directly."
    )
    missing = (
        f"<p>It was not given these permissions and cannot do everything: {escape(', '.join(lacking))}.</p>{_AGAIN}"
        if lacking
        else ""
    )
    link = f'<p><a href="https://slack.com/app_redirect?{escape(where)}">Open Slack</a></p>'
    return Page(200, f"Installed in {name}", f"<p>{steps}</p>{link}{missing}")
