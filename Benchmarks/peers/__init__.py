"""The peers' side of the rows: the same work as ours, on the same weights and tokens."""
