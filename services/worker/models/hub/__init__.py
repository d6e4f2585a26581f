"""Models by name: the hub, its cache, other caches, and moves between them."""
