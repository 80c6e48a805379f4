"""Programmes: an anchor party, its suppliers and the banks that fund them."""
