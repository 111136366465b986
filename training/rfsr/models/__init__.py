"""The networks: one definition each, with `full` (published widths) and `mini` (shipped) configurations."""
