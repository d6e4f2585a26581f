"""One process per arm of `bench train`: each trains the same rows its own way and tells of every step."""
