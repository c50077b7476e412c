"""Terrain: meshes that clips play on."""
