"""How each outside company says what core.ports asks."""
