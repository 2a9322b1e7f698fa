"""How the process runs: settings, wiring, sessions, HTTP, worker and command line."""
