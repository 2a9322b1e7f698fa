"""Money in: for now, cash at the window."""
