"""Doors, and the passages of a cardholder."""
