"""The pretend providers, run as a process of their own; they share no code with the adapters."""
