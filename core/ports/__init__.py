"""What the core asks of the world above it, as Protocols."""
