"""A small 3D world with walking people, seen by several cameras, with exact ground truth."""
