"""The parts of edgecv doctor."""
