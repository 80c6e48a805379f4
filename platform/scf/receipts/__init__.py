"""Warehouse receipts and other titles: issued, endorsed, divided, handed in for the goods."""
