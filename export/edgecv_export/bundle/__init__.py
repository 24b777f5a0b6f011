"""Bundles as folders on disk: written, and added to, whole or not at all. No torch here."""
