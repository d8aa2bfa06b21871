"""The page that a newcomer sees: both stand-in platforms side by side, in a browser."""
