"""Water: what a holder reserves, and what a meter asks."""
