"""Notebook 01: the pictures and the two gaps."""
