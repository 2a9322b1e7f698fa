"""Claims onto the chips of cards, and what a holder does at a kiosk."""
