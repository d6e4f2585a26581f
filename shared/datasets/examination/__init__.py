"""A data set's report: what is in its rows, what is wrong or odd, with numbers, lines and what to change.

Import from `examine`; the other modules run in the sandbox, but for `verdict` and `remedies`.
"""
