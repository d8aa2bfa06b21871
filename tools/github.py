"""GitHub's public API."""

import re
from http import HTTPStatus

import aiohttp

from bot.toolbox import ToolContext, ToolError, tool

_API = "https://api.github.com"
_BODY_LIMIT = 4_000
"""Characters of an issue's text; the rest is a click away."""


@tool(effect="read", timeout=20)
async def get_github_issue(context: ToolContext, repo: str, issue_number: int) -> dict[str, object]:
    """Fetch an issue or pull request of a public GitHub repository.

    Args:
        repo: Owner and repository, for example openai/openai-python.
        issue_number: Number of the issue.
    """
    if not re.fullmatch(r"\w[\w-]*/\w[\w.-]*", repo):
        raise ToolError(f"{repo!r} is not of the form owner/repository.")
    try:
        async with context.http.get(
            f"{_API}/repos/{repo}/issues/{issue_number}", headers={"Accept": "application/vnd.github+json"}
        ) as reply:
            if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                raise ToolError(f"{repo} has no issue {issue_number}, or it is not public.")
            if reply.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
                raise ToolError("GitHub's limit for requests without a token is used up; try again in an hour.")
            if reply.status != HTTPStatus.OK:
                raise ToolError(f"GitHub answered {reply.status}; try again later.")
            issue = await reply.json()
    except aiohttp.ClientError as error:
        raise ToolError("GitHub cannot be reached from here.") from error
    return {
        "title": issue["title"],
        "state": issue["state"],
        "author": issue["user"]["login"] if issue.get("user") else None,
        "labels": [label["name"] for label in issue.get("labels", [])],
        "comments": issue.get("comments", 0),
        "url": issue.get("html_url"),
        "body": (issue.get("body") or "")[:_BODY_LIMIT],
    }
