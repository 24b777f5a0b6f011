"""What a command prints, and its exit status."""
