"""The doors between the rooms: what the engine and the relay ask of store, models, toolbox and each other.

Every write that belongs to a run takes the `Lease` under which it is made and raises `bot.errors.Fenced` when that
lease is no longer the lane's. Writes that change what a run looks like return the facts as events, in order.
"""

from bot.ports.activity import Activity, Enrolment
from bot.ports.chat import Outlet, RunControl, RunSink
from bot.ports.clock import Clock
from bot.ports.leases import Duties, Lanes, Workers
from bot.ports.models import ModelClient, ModelTraits
from bot.ports.rules import ChannelRules
from bot.ports.runs import Ending, PlannedCall, Runs
from bot.ports.store import (
    Accounts,
    Assistants,
    Collections,
    Corrections,
    Deliveries,
    Feedback,
    Files,
    History,
    Installations,
    Intake,
    Notes,
    Overheard,
    Store,
    Upkeep,
)
from bot.ports.tools import Asking, Toolbox, ToolOutcome

__all__ = [
    "Accounts",
    "Activity",
    "Asking",
    "Assistants",
    "ChannelRules",
    "Clock",
    "Collections",
    "Corrections",
    "Deliveries",
    "Duties",
    "Ending",
    "Enrolment",
    "Feedback",
    "Files",
    "History",
    "Installations",
    "Intake",
    "Lanes",
    "ModelClient",
    "ModelTraits",
    "Notes",
    "Outlet",
    "Overheard",
    "PlannedCall",
    "RunControl",
    "RunSink",
    "Runs",
    "Store",
    "ToolOutcome",
    "Toolbox",
    "Upkeep",
    "Workers",
]
