"""Words that every part of the platform speaks: errors, money, time, identifiers."""
