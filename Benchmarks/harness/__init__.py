"""Measures ours and the peers in turn, checks that they agree, and writes the table."""
