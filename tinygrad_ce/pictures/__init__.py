"""Pictures of a run: its graph, the walk through it, the chain rule in words."""
