"""Work done beside the API: the sequencer, the outbox relay, the chain, clocks."""
