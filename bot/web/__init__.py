"""The bot's one web server: health, and the routes that adapters offer. It knows no platform."""

from bot.web.entrance import WebEntrance
from bot.web.limits import WebLimits
from bot.web.server import WebServer

__all__ = ["WebEntrance", "WebLimits", "WebServer"]
