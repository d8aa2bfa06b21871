"""Chat platforms, one folder each. None knows another, and nothing but `bot.app` knows them.

How to add one:

1. Copy `console/`, the smallest complete adapter, and give it the platform's name.
2. Declare what the platform can do and limits in one frozen `Capabilities`: the relay reads nothing else about it.
3. Implement `bot.relay.contract.Adapter`. `connections` names what has to be kept, `connected` keeps one of them and
   hands what people say to `Reception.receive`; acknowledge it to the platform only after that returned. `post` creates
   a message in one request and never repeats it; `find` looks for one whose fate is unknown; `edit` replaces a
   message's whole text.
4. Choose conversation keys: `platform:workspace:channel:thread`. The same key is the same thread, so a key must never
   be shared by people who could not read each other.
5. Choose dedupe keys that are equal for every delivery of the same message.
6. Translate the SDK's errors into the six kinds of `bot.errors.PlatformError` in one context manager.
7. Write a `Dialect`: nothing the model writes may ping anyone or load an image, and finished lines never change.
8. Drop what the bot itself and other bots say.
9. Add the folder to the import rule "Adapters do not know each other" in `pyproject.toml`, a settings class to
   `bot/settings.py` and a line to `bot/app.py`.
10. Test with the real SDK against a real socket, and write down what surprised you in `QUIRKS.md`.
"""
