"""Adapters as files that are used again: checked, and put back on their base model."""
