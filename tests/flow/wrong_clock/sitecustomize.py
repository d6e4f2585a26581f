"""A process whose clock is wrong by WRONG_BY seconds, while that of its host, store and files is right."""

import os
import time

_right, _right_ns, _by = time.time, time.time_ns, float(os.environ["WRONG_BY"])
time.time = lambda: _right() + _by
time.time_ns = lambda: _right_ns() + round(_by * 1e9)
