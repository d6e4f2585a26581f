"""`explain`: a user's own training program, run untouched and watched."""
