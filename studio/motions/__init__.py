"""The library of motions: videos that a server's moderators keep for its members' clips."""
