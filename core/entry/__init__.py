"""Doors, rights at them, passages, and who is inside."""
