"""Chat platforms, one folder each. None knows another, and nothing but `bot.app` knows them.

How to add one: `docs/add-an-adapter.md`.
"""
