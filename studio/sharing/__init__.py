"""How a server's clips are shared out: periods, policies, limits and what has been used."""
