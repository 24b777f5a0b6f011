"""What models give: one file for each kind of result."""
