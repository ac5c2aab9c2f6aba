"""What moderators decide about members and clips, and the record of it."""
