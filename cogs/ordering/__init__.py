"""The ways to a clip besides `/animate` with both files."""
