"""PostgreSQL: the declarative base, sessions, and the one place that commits."""
