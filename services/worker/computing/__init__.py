"""Token rows to losses by a plan: what training and evaluation compute with, and nothing of either."""
