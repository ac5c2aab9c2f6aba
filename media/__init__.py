"""Pictures and videos: recognised, probed, normalised, fitted to a size; in child processes with limits."""
