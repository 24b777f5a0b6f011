"""Video files: which there are, what their containers say, and their frames."""
