"""The sandbox's drawing: a clip made in a child process, so that no codec is ever loaded beside the bot."""
