"""Images from files and from callers: read, checked and converted."""
