"""Files and folders: written whole or not at all, and held while they are in use."""
