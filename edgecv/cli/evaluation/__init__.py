"""The parts of edgecv eval."""
