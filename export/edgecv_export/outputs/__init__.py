"""What a network's outputs are, found out by running it. No torch here."""
