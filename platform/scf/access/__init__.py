"""Who looked at whose affairs, for what purpose, on what ground; and what parties consent to."""
