"""Store and disk compared with each other: what disagrees is told, and mended where that is safe.

`examine.py` gathers the troubles that the modules beside it find; each knows how it is mended. Nothing is
deleted: what can't be mended is set aside (`aside.py`).
"""
