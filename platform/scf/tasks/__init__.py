"""Work that has a deadline and an owner, raised by a clock or by an act, done by the act itself."""
