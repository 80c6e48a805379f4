"""Goods in warehouses: lots, what weighs and assays them, what they are counted at."""
