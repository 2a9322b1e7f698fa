"""Harnesses that break servers on purpose and check what is left."""
