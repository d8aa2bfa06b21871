"""The engine: claims lanes, executes their runs step by recorded step, and tells sinks what happens."""

from bot.engine.control import RunningRuns
from bot.engine.limits import EngineLimits
from bot.engine.worker import Engine

__all__ = ["Engine", "EngineLimits", "RunningRuns"]
