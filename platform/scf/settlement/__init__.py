"""Payment and 回款: instructions to the debtor's bank, what banks tell of accounts, accounts changed, balances agreed."""
