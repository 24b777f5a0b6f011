"""Engines built for a bundle: the record of each, the file that lists them, and the search."""
