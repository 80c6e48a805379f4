"""The blind registry: banks that never join say what they lend on a paper, by a token that names it to nobody."""
