"""`model_preparation`: the remedies, each applied and measured."""
