"""How each family of models is cut into graphs."""
