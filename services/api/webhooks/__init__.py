"""Webhooks: what is told of a job's end, to whom, and when again."""
