"""The reference phone: sign in, hold a virtual card, and show its codes without a network."""
