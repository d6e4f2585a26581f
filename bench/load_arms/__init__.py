"""One way of loading each, run in a process of its own: `python -m bench.load_arms ARM MODEL ARTIFACT`."""
