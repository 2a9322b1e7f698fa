"""Compiled trusted documents: what Strawberry would answer, without its way there."""
