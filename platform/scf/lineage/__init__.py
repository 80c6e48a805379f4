"""Orders and goods that their buyer confirmed, and what became of them: forms of one value, never two values."""
