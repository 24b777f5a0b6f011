"""The model in torch against the whole runtime: a module for each family, and what they report."""
