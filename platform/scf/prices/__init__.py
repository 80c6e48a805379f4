"""Prices of goods: series of quotes with their source, by file, over HTTP, or by two people's hands."""
