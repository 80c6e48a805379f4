"""Capacity pools: how much of an economic value is confirmed, taken and free."""
