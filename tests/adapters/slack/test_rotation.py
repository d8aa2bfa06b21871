"""Tokens that expire: renewed in time, once, and stored before they are used."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping

import pytest

from adapters.slack import Installed
from adapters.slack.installations import Installation
from adapters.slack.oauth import Application
from adapters.slack.places import Place
from adapters.slack.renewal import Renewal
from adapters.slack.settings import OAuthConfig, SlackConfig
from adapters.slack.web import Web
from bot.errors import Forbidden, StoreUnavailable, Unauthorised
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.slack.premises import Premises
from bot.ports import Installations, Store
from bot.relay.contract import Outbound
from bot.sealing import Seal
from tests.adapters.slack.conftest import RULES
from tests.adapters.slack.installs import ACME, KEY, Deployment, install
from tests.support.reception import RecordingReception

WHERE = Place(team=ACME, channel="C10GENERAL").address()


def rotating(seconds: float, grace: float = 0.0) -> SlackRules:
    return RULES.model_copy(update={"token_seconds": seconds, "refresh_grace": grace})


@pytest.fixture
def acme(slack: SlackStandIn) -> Premises:
    return slack.found("Acme")


@pytest.fixture
def deployment(slack: SlackStandIn, store: Store, acme: Premises) -> Deployment:
    del acme
    return Deployment(slack, store)


class Fetcher:
    """A process that renews tokens and does nothing else; its clock can be set."""

    def __init__(self, deployment: Deployment, store: Installations | None = None, take_over: float = 45.0) -> None:
        installs = deployment.slack.installs
        oauth = OAuthConfig.model_validate({"client_id": installs.client_id, "client_secret": installs.client_secret})
        config = SlackConfig(oauth=oauth, api_url=deployment.slack.api_url)
        self.web = Web(config)
        self.installed = Installed(store or deployment.store.installations, Seal(KEY))
        self.renewal = Renewal(self.installed, Application(self.web, oauth, config.base_url), take_over=take_over)

    async def current(self) -> Installation:
        kept = await self.installed.read(ACME)
        assert kept is not None
        return kept.installation


@pytest.fixture
async def fetchers(deployment: Deployment, reception: RecordingReception) -> AsyncGenerator[list[Fetcher]]:
    """Three processes, with the app installed and tokens that expire in an hour."""
    deployment.slack.set_rules(rotating(3600.0))
    async with deployment.process(reception) as process:
        await install(process, ACME)
    these = [Fetcher(deployment) for _ in range(3)]
    yield these
    for one in these:
        await one.web.close()


def refreshes(slack: SlackStandIn) -> int:
    return sum(
        call.method == "oauth.v2.access" and call.parameters.get("grant_type") == "refresh_token"
        for call in slack.calls
    )


async def test_a_token_is_due_in_the_last_sixth_of_its_life(fetchers: list[Fetcher]) -> None:
    """Two hours of twelve."""
    installation = await fetchers[0].current()
    now = time.time()
    for left, due in ((7_300.0, False), (7_100.0, True), (-5.0, True)):
        changed = installation.model_copy(update={"lasts": 43_200.0, "expires_at": now + left})
        assert fetchers[0].renewal.due(changed) is due
    assert not fetchers[0].renewal.due(installation.model_copy(update={"expires_at": None}))


async def test_of_several_processes_one_fetches_and_all_have_it(slack: SlackStandIn, fetchers: list[Fetcher]) -> None:
    old = await fetchers[0].current()
    slack.faults.add("oauth.v2.access", "slow", seconds=0.3)
    kept = await asyncio.gather(*(one.renewal.renewed(ACME, old.token) for one in fetchers for _ in range(3)))
    assert refreshes(slack) == 1
    assert len({one.installation.token for one in kept if one}) == 1
    assert (await fetchers[0].current()).token != old.token
    assert (await fetchers[0].current()).renewing == ""


async def test_a_process_that_died_with_the_token_is_taken_over_from(
    slack: SlackStandIn, deployment: Deployment, fetchers: list[Fetcher]
) -> None:
    """Slack had spent the refresh token, and takes it once more within its grace."""
    slack.set_rules(rotating(3600.0, grace=60.0))
    old = await fetchers[0].current()
    kept = await fetchers[0].installed.read(ACME)
    assert kept is not None
    assert await fetchers[0].installed.replace(kept, old.model_copy(update={"renewing": "dead"}))
    await fetchers[0].renewal._application.refreshed(old.refresh)  # type: ignore[arg-type] - fetched, then died
    heir = Fetcher(deployment, take_over=0.5)
    try:
        fresh = await heir.renewal.renewed(ACME, old.token)
    finally:
        await heir.web.close()
    assert fresh is not None
    assert fresh.installation.token != old.token
    assert not isinstance(slack.installs.grant_of(fresh.installation.token.get_secret_value()), str)


async def test_without_grace_the_old_token_stays_in_use(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, fetchers: list[Fetcher]
) -> None:
    """Slack takes no spent refresh token: nothing is thrown away while the token itself is good."""
    old = await fetchers[0].current()
    await fetchers[0].renewal._application.refreshed(old.refresh)  # type: ignore[arg-type] - fetched, then died
    with pytest.raises(Unauthorised, match="does not renew"):
        await fetchers[1].renewal.renewed(ACME, old.token)
    assert (await fetchers[1].current()).token == old.token
    worker = deployment.adapter()
    try:
        await worker.post(WHERE, Outbound(text="Still here"), "k1")
    finally:
        await worker.close()
    assert acme.messages("general")[-1].text == "Still here"


async def test_a_token_that_ran_out_for_good_ends_the_installation(
    slack: SlackStandIn, deployment: Deployment, fetchers: list[Fetcher]
) -> None:
    old = await fetchers[0].current()
    await fetchers[0].renewal._application.refreshed(old.refresh)  # type: ignore[arg-type] - fetched, then died
    grant = slack.installs.grant_of(old.token.get_secret_value())
    assert not isinstance(grant, str)
    grant.tokens[old.token.get_secret_value()] = time.monotonic()
    worker = deployment.adapter()
    try:
        with pytest.raises(Forbidden, match="not installed"):
            await worker.post(WHERE, Outbound(text="Too late"), "k1")
    finally:
        await worker.close()
    assert await deployment.tenants() == set()


class AwayOnce:
    """The database is away for the second replacement: of the old tokens by the new ones."""

    def __init__(self, store: Installations) -> None:
        self._store = store
        self.replacements = 0

    async def save(self, name: str, sealed: str) -> None:
        await self._store.save(name, sealed)

    async def replace(self, name: str, sealed: str, instead_of: str) -> bool:
        self.replacements += 1
        if self.replacements == 2:
            raise StoreUnavailable
        return await self._store.replace(name, sealed, instead_of)

    async def remove(self, name: str, sealed: str) -> bool:
        return await self._store.remove(name, sealed)

    async def read(self, name: str) -> str | None:
        return await self._store.read(name)

    async def all(self, beginning: str) -> Mapping[str, str]:
        return await self._store.all(beginning)

    async def version(self) -> str:
        return await self._store.version()


async def test_a_token_that_could_not_be_stored_is_stored_before_it_is_used(
    slack: SlackStandIn, deployment: Deployment, fetchers: list[Fetcher]
) -> None:
    old = await fetchers[0].current()
    unlucky = Fetcher(deployment, AwayOnce(deployment.store.installations))
    try:
        with pytest.raises(StoreUnavailable):
            await unlucky.renewal.renewed(ACME, old.token)
        kept = await unlucky.renewal.renewed(ACME, old.token)
    finally:
        await unlucky.web.close()
    assert kept is not None
    assert kept.installation.token != old.token
    assert (await fetchers[0].current()).token == kept.installation.token
    assert refreshes(slack) == 1


@pytest.mark.parametrize("kind", ["500", "cut_before", "429"])
async def test_trouble_at_slack_leaves_the_installation_as_it_is(
    slack: SlackStandIn, fetchers: list[Fetcher], kind: str
) -> None:
    old = await fetchers[0].current()
    slack.faults.add("oauth.v2.access", kind)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"Slack"):
        await fetchers[0].renewal.renewed(ACME, old.token)
    assert await fetchers[0].current() == old
    kept = await fetchers[1].renewal.renewed(ACME, old.token)
    assert kept is not None
    assert kept.installation.token != old.token


async def test_an_expired_token_is_renewed_and_the_call_made_again_once(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, reception: RecordingReception
) -> None:
    """Slack refused the first call before it did anything."""
    slack.set_rules(rotating(3600.0))
    async with deployment.process(reception) as process:
        await install(process, ACME)
        await process.adapter.post(WHERE, Outbound(text="One"), "k1")
        token = await deployment.token(ACME)
        grant = slack.installs.grant_of(token)
        assert not isinstance(grant, str)
        grant.tokens[token] = time.monotonic()
        await process.adapter.post(WHERE, Outbound(text="Two"), "k2")
        assert await deployment.token(ACME) != token
    assert [one.text for one in acme.messages("general")] == ["One", "Two"]
    assert refreshes(slack) == 1


async def test_two_processes_under_load_never_fail_while_tokens_expire(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, reception: RecordingReception
) -> None:
    """Tokens of three seconds: they are renewed several times while both write, each time once."""
    slack.set_rules(rotating(3.0))
    async with deployment.process(reception) as process, deployment.process(reception) as other:
        await install(process, ACME)
        ends, posted = time.monotonic() + 6.0, 0

        async def write(adapter_name: str) -> None:
            nonlocal posted
            adapter = process.adapter if adapter_name == "one" else other.adapter
            while time.monotonic() < ends:
                await adapter.post(WHERE, Outbound(text=adapter_name), f"k{posted}")
                posted += 1

        await asyncio.gather(write("one"), write("other"), write("one"))
    assert len(acme.messages("general")) == posted
    renewed = [call.error for call in slack.calls if call.method == "oauth.v2.access"][1:]
    assert len(renewed) >= 2
    assert set(renewed) == {None}
