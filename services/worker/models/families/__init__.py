"""What kind of model a checkpoint is, which class runs it, and whether tokenizer and job fit it."""
