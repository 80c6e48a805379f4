"""What is known of one event: from its bytes to the chain, for its parties and for the operator."""
