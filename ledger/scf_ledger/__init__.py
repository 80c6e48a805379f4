"""Tamper evidence: canonical bytes, the transparency log, proofs, their verifier, the chain."""
