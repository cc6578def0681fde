"""Notebook 06's board: the finished cells of a folder, compared."""
