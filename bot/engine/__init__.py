"""The engine: claims lanes, executes their runs step by recorded step, and tells sinks what happens.

`Shifts` is a process's life, `LaneWork` and `Jobs` what a worker does in it, `RunningRuns` how others reach its runs.
"""

from bot.engine.control import RunningRuns
from bot.engine.jobs import Jobs
from bot.engine.lane_work import LaneWork
from bot.engine.limits import EngineLimits
from bot.engine.shift import Shifts

__all__ = ["EngineLimits", "Jobs", "LaneWork", "RunningRuns", "Shifts"]
