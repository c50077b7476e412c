"""Recorded motion: reading clips, resampling them, and the tables of reference states the environments track."""
