"""Goods that secure a debt, watched by price (动态质押): control agreements, marks, margin calls."""
