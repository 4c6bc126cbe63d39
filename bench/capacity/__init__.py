"""``--search-rate``: the highest rate that a cell sustains under an SLO."""
