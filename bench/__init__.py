"""The benchmarks: each one command that measures a ratio against a peer in one run."""
