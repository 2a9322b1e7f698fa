"""Schools and what each of them offers."""
