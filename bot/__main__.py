"""The command line: parse, call the application, exit code.

This module stays light: SIGTERM has to be understood from the first moment, and the heavy imports take seconds on a
small machine. A SIGTERM that comes before the application listens ends the process at once, which loses nothing.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.app import Application

NOT_YET = {
    "api": "the Assistants-compatible HTTP API",
    "knowledge": "the knowledge base",
    "forget": "erasure",
    "usage": "tokens and cost",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 an error that the operator can mend, 2 wrong usage."""
    words = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _leave if words[:1] == ["run"] else _break_off)
    if words and words[0] in NOT_YET:
        print(f"`{words[0]}` ({NOT_YET[words[0]]}) is not there yet.", file=sys.stderr)
        return 2
    options = command_line().parse_args(words)
    try:
        from bot.app import Application
        from bot.errors import OperatorError
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(("bot", "adapters")):
            raise
        print(
            f"The package {error.name} is missing. Run scripts/environment requirements.txt once and then use "
            ".venv/bin/python -m bot.",
            file=sys.stderr,
        )
        return 1

    try:
        return asyncio.run(_dispatch(Application(), options))
    except OperatorError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _dispatch(application: "Application", options: argparse.Namespace) -> int:
    match options.command:
        case "demo":
            await application.demo(port=options.port, open_browser=not options.no_open, data_dir=options.data)
        case "chat":
            await application.chat(once=options.once)
        case "run":
            await application.run(options.role, http=options.http)
        case "tools":
            return await application.tools(options.name, options.values)
        case "explain":
            print(await application.explain(options.channel))
        case "doctor":
            text, well = await application.doctor()
            print(text)
            return 0 if well else 1
        case _:
            print(f"The schema is at revision {await application.migrate()}.")
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _break_off(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # whoever started `migrate` must not take it for done


def command_line() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Parley: one AI assistant in a team's Slack and Discord."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    demo = commands.add_parser(
        "demo", help="Slack and Discord in the browser, served on this machine, with the bot in both"
    )
    demo.add_argument("--port", type=int, default=8700, help="port of the page (8700)")
    demo.add_argument("--no-open", action="store_true", help="do not open a browser")
    demo.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the bot's database here (default: a temporary folder)"
    )

    chat = commands.add_parser("chat", help="the same assistant in this terminal")
    chat.add_argument("--once", metavar="TEXT", help="ask one question, print the answer, end")

    run = commands.add_parser("run", help="connect every platform whose settings are present")
    run.add_argument(
        "--role",
        choices=["all", "gateway", "worker"],
        default="all",
        help="gateway: only receive; worker: only answer (several of each on one PostgreSQL); all: both (default)",
    )
    run.add_argument(
        "--http", action="store_true", help="serve PORT: Slack's signed requests instead of Socket Mode, and health"
    )

    tools = commands.add_parser("tools", help="list the tools with their schemas, or run one")
    tools.add_argument("name", nargs="?", metavar="NAME")
    tools.add_argument("values", nargs="*", metavar="key=value")

    explain = commands.add_parser("explain", help="what is in force in a channel, and which line says so")
    explain.add_argument("channel", metavar="CHANNEL", help="its key, such as slack:T123:C456, or a part of it")

    commands.add_parser("doctor", help="examine tokens, database, model, tools and files, and say what to do")
    commands.add_parser("migrate", help="bring the database schema up to date")
    for name, what in NOT_YET.items():
        commands.add_parser(name, help=f"{what} (not there yet)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
