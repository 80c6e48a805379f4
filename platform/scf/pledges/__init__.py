"""Pledges of receivables: signed, taken from the pool, registered, locked, released."""
