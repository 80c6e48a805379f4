"""Who takes part: organisations, their people, certificates and mandates, and how they sign."""
