"""Pictures and videos: recognised, probed, normalised and fitted to a size, in child processes with limits."""
