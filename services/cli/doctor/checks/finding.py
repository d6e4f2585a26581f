"""What a check found: a status, the value seen and, where somebody must act, what to do."""

from typing import Literal

from shared.schemas import Frozen

Status = Literal["ok", "warning", "error", "unknown"]
WINDOWS_PAGE = "docs/windows.md"


class Finding(Frozen):
    """One line of the doctor's report; `unknown` means that nobody can tell from here."""

    id: str
    status: Status
    message: str
    remedy: str | None = None


def ok(id: str, message: str, remedy: str | None = None) -> Finding:
    return Finding(id=id, status="ok", message=message, remedy=remedy)


def warning(id: str, message: str, remedy: str) -> Finding:
    return Finding(id=id, status="warning", message=message, remedy=remedy)


def error(id: str, message: str, remedy: str) -> Finding:
    return Finding(id=id, status="error", message=message, remedy=remedy)


def unknown(id: str, message: str, remedy: str | None = None) -> Finding:
    return Finding(id=id, status="unknown", message=message, remedy=remedy)


def gigabytes(count: int) -> str:
    """Bytes as disks are sold: 9.6 GB."""
    return f"{count / 1e9:.1f} GB" if count < 1e11 else f"{count / 1e9:.0f} GB"
