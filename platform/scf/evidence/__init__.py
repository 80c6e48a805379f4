"""Every business fact as an event, its place in the log, and the proofs handed out."""
