"""Which detection is which object, from frame to frame."""
