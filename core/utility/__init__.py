"""Water: meters, reservations of them and what ran (mission.md 3.10)."""
