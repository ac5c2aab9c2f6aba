"""The doctor: checks everything that the bot needs, and says what to do about what is wrong."""
