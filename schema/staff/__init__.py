"""What a school's staff see and do."""
