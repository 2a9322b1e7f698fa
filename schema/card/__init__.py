"""Cardholders with their cards, PINs and limits."""
