"""Reading everything again: from events to rows, from entries to the chain; the first difference counts."""
