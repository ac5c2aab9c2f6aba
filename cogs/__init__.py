"""Discord in, Discord out: turns interactions into orders and shows jobs; knows discord.py and studio, no HTTP client and no SQL."""
