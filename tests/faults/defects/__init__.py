"""Planted defects: each must be caught by the invariant that is there for it."""
