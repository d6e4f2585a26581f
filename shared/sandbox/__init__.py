"""Runs a function of ours on untrusted files in a subprocess that can harm nothing but itself."""

from shared.sandbox.limits import JsonValue, SandboxLimits
from shared.sandbox.run import SandboxReason, SandboxResult, run_in_sandbox

__all__ = ["JsonValue", "SandboxLimits", "SandboxReason", "SandboxResult", "run_in_sandbox"]
