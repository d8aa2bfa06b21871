"""Stand-in Slack and Discord servers and a page that shows both: demo and test equipment, unknown to the bot."""
