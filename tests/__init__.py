"""The tests, one folder per kind; they read as specifications of the product."""
