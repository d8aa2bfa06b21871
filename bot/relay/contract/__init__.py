"""What a chat platform has to offer (`Adapter`), what it is told (`Outbound`) and what it may call (`Reception`).

Everything that a platform cannot do or limits is data in `Capabilities` and `Terms`, so the relay never asks which
platform it is. Adapters translate their SDK's errors into `bot.errors.PlatformError` and its kinds.
"""

from bot.domain.channels import ChannelPolicy
from bot.relay.contract.adapter import Adapter
from bot.relay.contract.capabilities import Capabilities, Dialect, Pacing, Terms
from bot.relay.contract.ceilings import SharedCeiling
from bot.relay.contract.finding import Finding
from bot.relay.contract.inbound import (
    COMMANDS,
    HELD_NOTE,
    Command,
    CommandName,
    Deleted,
    Edited,
    Inbound,
    Operation,
    Press,
    Verdict,
)
from bot.relay.contract.outbound import Button, Outbound, OutboundFile, Posted, RateSignal, Task
from bot.relay.contract.reception import Reception
from bot.relay.contract.webhooks import Route, Webhooks, WebReply, WebRequest

__all__ = [
    "COMMANDS",
    "HELD_NOTE",
    "Adapter",
    "Button",
    "Capabilities",
    "ChannelPolicy",
    "Command",
    "CommandName",
    "Deleted",
    "Dialect",
    "Edited",
    "Finding",
    "Inbound",
    "Operation",
    "Outbound",
    "OutboundFile",
    "Pacing",
    "Posted",
    "Press",
    "RateSignal",
    "Reception",
    "Route",
    "SharedCeiling",
    "Task",
    "Terms",
    "Verdict",
    "WebReply",
    "WebRequest",
    "Webhooks",
]
