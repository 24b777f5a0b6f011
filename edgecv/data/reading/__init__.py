"""What all readers stand on: files, text, masks, splits, records and reports (no torch)."""
