"""Notebook 05: ranked lists, maps, evidence."""
