"""The API's habits: who is calling, problems, idempotency, paging."""
