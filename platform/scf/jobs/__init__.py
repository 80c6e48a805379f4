"""Jobs: long work over many items, advanced slice by slice, each item exactly once."""
