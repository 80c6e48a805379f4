"""The chain: the one place that speaks to an Ethereum node, and the only one that imports web3.

Nothing here keeps state. The sender's state machine (prepared, signed, broadcast, mined, final,
lost, failed) lives in the platform's database and calls these parts, in this order:

1. `calls`: pure builders of what to send, `prepare_publish`, `prepare_lock`, …;
2. `client.Chain.simulate`: ask the node whether it would be refused, and why;
3. `transactions.sign`: pure; the raw bytes are stored *before* they are sent;
4. `client.Chain.broadcast`: the same bytes as often as needed, in nonce order;
5. `client.Chain.observe`: not mined, mined, final after so many blocks, or lost.

`deployment` puts the contracts at addresses known beforehand, `keys` holds the signing key,
`errors` is the closed tree of what can go wrong. This module imports nothing, so that who needs
a key or an address does not load a chain client.
"""
