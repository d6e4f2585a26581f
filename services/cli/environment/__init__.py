"""The command's own Python environment: built once from the locks, checked at each start.

Nothing here may import a package, nor a module of ours that does: it runs before any is installed.
"""

# (variable, default, meaning) of what the launcher reads; rows of docs/settings.md.
LAUNCHER_SETTINGS = (
    ("TUNEDOCK_TORCH_INDEX", "unset", "index that torch comes from, for its CPU build say; unset: pip's own"),
    ("TUNEDOCK_PYTHON", "unset", "interpreter to use as it is: `./tunedock` then builds no environment"),
)
