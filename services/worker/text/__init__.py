"""Rows of every format as tokens, with those that are learned marked and checked."""
