"""For each kind of subject: what its rows have to be, told by its events."""
