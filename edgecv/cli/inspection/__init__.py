"""The parts of edgecv info."""
