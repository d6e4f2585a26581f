"""Fine-tuning: steps over rows, computed by a plan, kept in checkpoints."""
