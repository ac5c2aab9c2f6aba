"""The motion library in Discord: browsing it, ordering from it, keeping it."""
