"""Frozen networks whose features are compared: a distance between pictures, a style."""
