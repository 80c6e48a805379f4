"""A bank's case for a financing: who looked at it, who decided, what was checked before and after paying."""
