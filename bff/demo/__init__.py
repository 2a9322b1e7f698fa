"""The demo: everything on this machine, five invented schools, and one story told once."""
