"""tinygrad_ce.testing: whether a gradient is right, and how it is wrong."""
