"""Reports as they are stored: the worker writes these classes; API, page and command read them."""
