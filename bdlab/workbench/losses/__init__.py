"""Notebook 03: the losses by hand, the graph of constraints."""
