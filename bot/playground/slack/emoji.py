"""Slack's emoji names as characters, as far as people and bots here use them."""

import re

CHARACTERS = {
    "+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "eyes": "👀", "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳", "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️",
    "no_entry": "⛔", "no_entry_sign": "🚫", "octagonal_sign": "🛑", "stop_sign": "🛑", "question": "❓",
    "exclamation": "❗", "bulb": "💡", "mag": "🔍", "memo": "📝", "page_facing_up": "📄", "paperclip": "📎",
    "file_folder": "📁", "open_file_folder": "📂", "bar_chart": "📊", "chart_with_upwards_trend": "📈", "link": "🔗",
    "lock": "🔒", "key": "🔑", "gear": "⚙️", "wrench": "🔧", "hammer": "🔨", "hammer_and_wrench": "🛠️",
    "robot_face": "🤖", "rocket": "🚀", "fire": "🔥", "sparkles": "✨", "star": "⭐", "tada": "🎉", "heart": "❤️",
    "wave": "👋", "clap": "👏", "pray": "🙏", "raised_hands": "🙌", "muscle": "💪", "ok_hand": "👌",
    "point_right": "👉",    "smile": "😄", "grinning": "😀", "joy": "😂", "wink": "😉",
    "slightly_smiling_face": "🙂", "thinking_face": "🤔",
    "cry": "😢", "disappointed": "😞", "zzz": "💤", "speech_balloon": "💬", "thought_balloon": "💭", "email": "📧",
    "ticket": "🎫", "bell": "🔔", "clock1": "🕐", "alarm_clock": "⏰", "calendar": "📅",
    "arrows_counterclockwise": "🔄", "repeat": "🔁", "arrow_forward": "▶️",
    "black_square_for_stop": "⏹️", "double_vertical_bar": "⏸️",
    "information_source": "ℹ️", "one": "1️⃣", "two": "2️⃣", "three": "3️⃣", "bug": "🐛", "package": "📦",
    "ballot_box_with_check": "☑️", "sunny": "☀️", "cloud": "☁️", "rain_cloud": "🌧️", "snowflake": "❄️", "coffee": "☕",
}  # fmt: skip

_NAME = re.compile(r":([a-z0-9_+'-]+):")


def character(name: str) -> str:
    """The emoji of a name, or the name between colons as Slack shows what it does not know."""
    return CHARACTERS.get(name, f":{name}:")


def replace_names(text: str) -> str:
    """Text with every known `:name:` replaced."""
    return _NAME.sub(lambda match: character(match[1]), text)
