"""What `edgecv camera` shows and says while it runs."""
