"""One ZIP per financing in the order of a bank's file (尽职免责档案), checkable offline."""
