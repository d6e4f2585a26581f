"""What ended jobs came to, in words: what was reached, where it is, what to do next. One file a kind."""
