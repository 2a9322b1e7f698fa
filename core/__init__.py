"""What is true about people, cards and money."""
