"""Sensors of the ground: height scans, link heights, a depth camera. They read poses and a height or ray function."""
