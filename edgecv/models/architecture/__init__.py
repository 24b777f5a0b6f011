"""What is known of an architecture: its record, its input, its head, its windows."""
