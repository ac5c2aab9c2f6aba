"""The offline demo: the real bot on a simulated Discord, with a page on loopback that looks like it."""
