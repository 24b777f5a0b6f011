"""Videos as edgecv camera and predict write them."""
