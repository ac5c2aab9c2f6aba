"""What moderators, members and the operator do besides ordering clips."""
