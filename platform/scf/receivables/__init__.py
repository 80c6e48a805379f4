"""Receivables: lines of a buyer's payables, confirmed by whom they bind."""
