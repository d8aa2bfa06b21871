"""Markdown into the texts of chat messages: pure functions of text, without a clock, a store or a platform."""
