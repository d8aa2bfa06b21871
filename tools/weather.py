"""Weather from Open-Meteo, which needs no key."""

from http import HTTPStatus
from typing import Any

import aiohttp

from bot.toolbox import ToolContext, ToolError, tool

_PLACES = "https://geocoding-api.open-meteo.com/v1/search"
_FORECAST = "https://api.open-meteo.com/v1/forecast"
_CONDITIONS = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast", 45: "fog", 48: "freezing fog",
    51: "light drizzle", 53: "drizzle", 55: "heavy drizzle", 61: "light rain", 63: "rain", 65: "heavy rain",
    66: "freezing rain", 67: "heavy freezing rain", 71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow grains",
    80: "light showers", 81: "showers", 82: "violent showers", 85: "snow showers", 86: "heavy snow showers",
    95: "thunderstorm", 96: "thunderstorm with hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip
"""WMO weather codes as Open-Meteo's documentation lists them."""


@tool(effect="read", timeout=20)
async def get_weather(context: ToolContext, place: str) -> dict[str, object]:
    """Tell the weather at a place now.

    Args:
        place: Name of a town, in any language.
    """
    found = await _get(context.http, _PLACES, {"name": place, "count": "1"})
    if not found.get("results"):
        raise ToolError(f"No place called {place!r} was found; ask for a town's name.")
    town = found["results"][0]
    report = await _get(
        context.http,
        _FORECAST,
        {
            "latitude": str(town["latitude"]),
            "longitude": str(town["longitude"]),
            "current": "temperature_2m,wind_speed_10m,relative_humidity_2m,weather_code",
        },
    )
    now = report["current"]
    return {
        "place": f"{town['name']}, {town.get('country', '')}".rstrip(", "),
        "temperature_celsius": now["temperature_2m"],
        "wind_km_per_hour": now["wind_speed_10m"],
        "humidity_percent": now["relative_humidity_2m"],
        "sky": _CONDITIONS.get(now["weather_code"], "unknown"),
    }


async def _get(http: aiohttp.ClientSession, url: str, query: dict[str, str]) -> dict[str, Any]:
    try:
        async with http.get(url, params=query) as reply:
            if reply.status != HTTPStatus.OK:
                raise ToolError(f"The weather service answered {reply.status}; try again later.")
            return await reply.json()
    except aiohttp.ClientError as error:
        raise ToolError("The weather service cannot be reached from here.") from error
