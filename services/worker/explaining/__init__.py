"""Why a step of training takes as long as it does: timed in turns, split, predicted, and told."""
