"""The pages at `/` that a person works with in a browser, drawn by the server; each works without script."""
