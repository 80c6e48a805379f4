"""The platform: what a core enterprise, its suppliers and their banks do together."""
