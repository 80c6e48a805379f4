"""The token service: a process of its own, run by the consortium or the district finance office.

It turns an asset's canonical identity into an opaque token, keyed so that outsiders cannot test
guesses, and signs a short-lived ticket with which one operator may lock these tokens on chain.
Every request of an admitted operator is logged and counted; nothing else is kept: neither
identities nor documents. `python -m scf_ledger.tokens` runs it, `client` asks it.
"""
