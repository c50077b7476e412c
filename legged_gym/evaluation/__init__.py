"""Judging a policy by rules of its own, and looking at it: figures, tables, plots and videos."""
