"""Benchmarks: what Tunedock and others need for the same work, in one run on one machine."""
