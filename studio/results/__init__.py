"""What members may do with their finished clips."""
