"""Independent readers of the dynamic codes, for vendors; they share no code with the rooms."""
