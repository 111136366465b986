"""Quality measures, with their names, ranges and directions in `registry`."""
