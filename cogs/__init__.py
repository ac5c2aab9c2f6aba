"""Discord in, Discord out: interactions become orders, jobs are shown; no HTTP client and no SQL in here."""
