"""The site edge: one per canteen, between its terminals and the server (terminals.md 10)."""
