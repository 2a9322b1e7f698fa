"""The rows of cardholders, bindings, sessions, one-time codes and counters of tries."""
