"""One month's payables, from the invoice to the released pledge, played over the real API."""
