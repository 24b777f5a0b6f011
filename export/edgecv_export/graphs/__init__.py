"""How each family of models is cut into graphs. Only this package imports torch."""
