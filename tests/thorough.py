"""What the ordinary suite leaves out: it takes long, and is much like what always runs.

TESTS=all runs it too. Whatever is left out has a case of its kind in the ordinary suite.
"""

import os

import pytest

ALL = os.environ.get("TESTS") == "all"
thorough = pytest.mark.skipif(not ALL, reason="much like others that run; TESTS=all runs it too")
