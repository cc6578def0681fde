"""Notebook 02: the channels of the derivative modalities."""
