"""The Assistants object model as frozen records and pure rules; imports nothing of the bot but its errors."""
