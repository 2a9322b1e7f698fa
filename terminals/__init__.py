"""What a code and a terminal message mean, and which question they put to the core."""
