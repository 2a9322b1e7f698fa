"""Code devices, passes and online codes."""
