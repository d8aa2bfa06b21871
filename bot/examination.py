"""What an operator can ask without starting the bot: what is in force in a channel, and is everything set up?"""

from collections.abc import Sequence
from functools import partial

from bot import doctor
from bot.configuration import Rules, Told, explain, staff, which_channel
from bot.doctor import Check, NothingNoted
from bot.errors import SettingsError
from bot.logs import without_secrets
from bot.models import OFFLINE_MODEL, RetryPolicy
from bot.parts import PLATFORMS, Parts
from bot.ports import ModelClient
from bot.relay.contract import Finding
from bot.store import channels_used, condition, registers
from bot.toolbox.loader import load_tools

_MOST_CHANNELS = 30
"""Channels that are listed when a part of a key may mean several."""


class Examination:
    """Asks the parts, one by one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def explain(self, channel: str) -> str:
        """What is in force in a channel and why, or which channels may be meant by a part of a key."""
        if not _is_key(channel):
            found = await channels_used(self._parts.settings.store.url, channel, _MOST_CHANNELS)
            if len(found) != 1:
                return which_channel(channel, found)
            (channel,) = found
        tools = [one.definition for one in load_tools(self._parts.settings.tools.tools_dir)]
        reading = self._parts.reading([definition.name for definition in tools])
        async with self._parts.model() as model:
            everybody = staff(reading.file, self._parts.assistant(tools, model))
            rules = Rules(reading.file, self._parts.settings.assistant.name, {one.name or "": one for one in everybody})
            return explain(channel, reading, rules, self._told(model))

    def _told(self, model: ModelClient) -> Told:
        assistant, name = self._parts.settings.assistant, self._parts.settings.model.openai_model
        instructions = (
            "ASSISTANT_INSTRUCTIONS_FILE"
            if assistant.instructions_file
            else ("ASSISTANT_INSTRUCTIONS" if assistant.instructions else "the general ones")
        )
        offline = model.traits.name == OFFLINE_MODEL
        source = "no provider is configured" if offline else ("OPENAI_MODEL" if name else "the provider's usual one")
        return Told(usual=assistant.name, instructions=instructions, model=source, offline=offline)

    async def doctor(self) -> tuple[str, bool]:
        """Examine the whole set-up. Returns a page for people, and whether nothing is broken."""
        findings = await doctor.examined(self._checks())
        return without_secrets(doctor.page(findings), self._parts.secrets()), all(
            one.state != "bad" for one in findings
        )

    def _checks(self) -> list[Check]:
        settings = self._parts.settings
        store, folder = settings.store, settings.tools.tools_dir
        return [
            Check("Settings", self._check_settings),
            Check("Database", partial(doctor.database, partial(condition, store.url, store.database_direct_url))),
            Check("Data folder", partial(doctor.folder, store.data_dir), "Set DATA_DIR to a folder on a local disk."),
            Check("Clock", doctor.clock),
            Check("Model", self._check_models, "See whether OPENAI_BASE_URL can be reached from this machine."),
            Check(
                f"Tools in {folder}", partial(doctor.tools, folder, partial(load_tools, folder), self._parts.reading)
            ),
            Check(doctor.CHANNELS, partial(doctor.channels, self._parts.reading)),
            Check("Platforms", self._check_platforms),
        ]

    async def _check_settings(self) -> list[Finding]:
        """They were read, or this would not run. What is not set is said."""
        slack, discord = self._parts.settings.slack, self._parts.settings.discord
        try:
            self._parts.settings.check_role("all", http=self._over_http)
        except SettingsError as error:
            say = doctor.bad if slack.configured or discord.token else doctor.warning
            found = [say("Settings", "`run` would not start", str(error))]
        else:
            found = [doctor.good("Settings")]
        for label, configured, name in (
            ("Slack", slack.configured, "SLACK_BOT_TOKEN"),
            ("Discord", discord.token is not None, "DISCORD_TOKEN"),
        ):
            if not configured:
                found.append(doctor.good(label, f"not configured ({name} is not set)"))
        return found

    @property
    def _over_http(self) -> bool:
        """Whether Slack's deliveries come to our web server, as far as the settings tell."""
        return self._parts.settings.slack.signing_secret is not None and self._parts.settings.slack.app_token is None

    async def _check_platforms(self) -> Sequence[Finding]:
        async with registers(self._parts.settings.store.url) as kept:
            notes, installations = (kept.notes, kept.installations) if kept else (NothingNoted(), None)
            adapters = self._parts.platforms(notes, installations, http=self._over_http)
            fix = "See whether this machine may reach it (proxy, firewall)."
            looks = [Check(one.capabilities.label, partial(doctor.platform, one), fix) for one in adapters]
            found = await doctor.examined(looks, doctor.SECONDS_WITHIN)
        uninstalled = kept is None and self._parts.settings.slack.client_id is not None
        return (*found, doctor.good("Slack", "no workspace has installed the app yet")) if uninstalled else found

    async def _check_models(self) -> Sequence[Finding]:
        """The one of the settings, and those that the file names for its assistants."""
        async with self._parts.model(RetryPolicy(attempts=1)) as model:
            offline = model.traits.name == OFFLINE_MODEL
            checks = [Check("Model", partial(doctor.model, model, offline=offline, named_by="OPENAI_MODEL"))]
            for name in () if offline else sorted(self._models_of_the_file() - {model.traits.name}):
                look = partial(doctor.model, model.named(name), offline=False, named_by="the file of assistants")
                checks.append(Check(f"Model {name}", look))
            return await doctor.examined(checks, doctor.SECONDS_WITHIN)

    def _models_of_the_file(self) -> set[str]:
        try:
            tables = self._parts.reading(None).file.assistants.values()
        except SettingsError:
            return set()  # told by a check of its own
        return {table.model for table in tables if table.model is not None}


def _is_key(channel: str) -> bool:
    """Whether it is a whole key (`slack:TEAM:CHANNEL`), not a part of one."""
    platform, *rest = channel.split(":")
    return platform in PLATFORMS and (len(rest) > 1 or platform == "console")
