"""Cells and sweeps: the run contract, the rows of every table, plans and verdicts."""
