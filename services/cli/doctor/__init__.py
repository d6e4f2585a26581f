"""`./tunedock doctor`: what is wrong with this installation, and what to do.

Facts are gathered once (`gather.py`), then pure checks (`checks/`) judge them.
"""
