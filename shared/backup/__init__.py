"""An installation in one file: the store's records, then the folders, then the hashes of all of it."""
