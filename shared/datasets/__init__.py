"""Reads the data sets people bring and turns them into rows the worker can trust.

Import from the submodules (`prepare`, `names`): the sandboxed reader starts with no more than it needs.
"""
