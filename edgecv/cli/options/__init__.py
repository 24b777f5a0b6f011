"""Options that several commands take, and how their values are read."""
