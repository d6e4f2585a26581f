"""The command's own Python environment: built once from the locks, checked at each start.

Nothing here may import anything but the standard library: it runs before any package is installed.
"""
