"""What a bank takes away: pledge records by log index, webhooks, and a signed file of each day."""
