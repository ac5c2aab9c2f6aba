"""What members do with finished clips, by buttons and by `/jobs`."""
