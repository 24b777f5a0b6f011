"""Boxes, masks and text drawn on images."""
