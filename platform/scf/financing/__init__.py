"""A thin lending desk: request, offer, contract, receipts of money, close. The bank lends, nobody else."""
