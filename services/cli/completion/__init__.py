"""What Tab completes: a script for each shell, made from the parser, and ids asked for as the user types."""
