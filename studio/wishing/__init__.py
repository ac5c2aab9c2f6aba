"""What members have laid out for a clip before they order it."""
