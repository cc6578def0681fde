"""One run: what it needs, what a step sees, the loop, its test and its checkpoints."""
