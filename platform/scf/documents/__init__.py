"""Invoices as their sellers bring them: read, checked, kept as they came, registered once."""
