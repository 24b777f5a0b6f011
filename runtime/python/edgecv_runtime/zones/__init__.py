"""Tracked objects counted in zones and at lines."""
