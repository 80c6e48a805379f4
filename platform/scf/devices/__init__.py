"""Devices that watch goods: registered, heard in signed batches, proven by the hour."""
