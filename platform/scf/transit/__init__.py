"""Goods on their way: consignments, where they are, and the bills of carriers and keepers."""
