"""Random stocktakes: what is counted is drawn by nobody alone, and anyone can check the draw."""
