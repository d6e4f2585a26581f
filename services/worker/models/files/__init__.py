"""A checkpoint's files: which there are, whether they are whole, and what we make of them."""
