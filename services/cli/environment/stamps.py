"""What `.venv` was built from. A stamp is written last, so an interrupted set-up never looks complete."""

from pathlib import Path

# Lock files of each part. All but the first are installed only for the commands that need them.
LOCKS = {
    "run": ("api", "worker", "cli", "torch"),
    "cli": ("cli",),
    "demo-model": ("demo-model",),
    "dev": ("dev",),
}
# Also useful beside a service in containers, where torch would be fetched for nothing.
WITHOUT_SERVICES = ("doctor", "key")


def parts_for(arguments: list[str]) -> list[str]:
    """The parts of the environment that a command needs."""
    if arguments[:1] and arguments[0] in WITHOUT_SERVICES:
        return ["cli"]
    dev = ["dev"] if arguments[:1] in (["check"], ["test"]) else []
    return ["run", "demo-model", *dev]


def environment_of(root: Path) -> Path:
    return root / ".venv"


def python_of(root: Path) -> Path:
    return environment_of(root) / "bin" / "python"


def lock_files(root: Path, part: str) -> list[Path]:
    return [root / "requirements" / f"{name}.txt" for name in LOCKS[part]]


def is_sound(root: Path, python_tag: str, torch_index: str | None) -> bool:
    """Whether `.venv` may be kept: same kind of Python, same place, and torch from the wanted index.

    Without a wanted index any will do: a terminal where the variable isn't set must not fetch torch anew.
    """
    wanted = _foundation(root, python_tag, torch_index or recorded_index(root))
    return _read(_foundation_file(root)) == wanted


def recorded_index(root: Path) -> str | None:
    """The index torch came from when `.venv` was started; None for pip's own."""
    return _read(_foundation_file(root)).rpartition("torch index: ")[2].strip() or None


def is_ours(root: Path) -> bool:
    """Whether `.venv`, finished or not, was made by set-up, which may then remove it."""
    return _foundation_file(root).exists()


def mark_ours(root: Path) -> None:
    environment_of(root).mkdir()
    _write(_foundation_file(root), "unfinished\n")


def mark_sound(root: Path, python_tag: str, torch_index: str | None) -> None:
    _write(_foundation_file(root), _foundation(root, python_tag, torch_index))


def is_installed(root: Path, part: str) -> bool:
    """Whether the part was installed, to its end, from the locks as they are now."""
    whole = part == "cli" and is_installed(root, "run")
    return whole or _read(_part_file(root, part)) == _locks_text(root, part)


def mark_installed(root: Path, part: str) -> None:
    _write(_part_file(root, part), _locks_text(root, part))


def clear_installed(root: Path, part: str) -> None:
    _part_file(root, part).unlink(missing_ok=True)


def _foundation_file(root: Path) -> Path:
    return environment_of(root) / "tunedock-foundation.txt"


def _part_file(root: Path, part: str) -> Path:
    return environment_of(root) / f"tunedock-{part}.txt"


def _foundation(root: Path, python_tag: str, torch_index: str | None) -> str:
    return f"python: {python_tag}\nroot: {root}\ntorch index: {torch_index or ''}\n"


def _locks_text(root: Path, part: str) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in lock_files(root, part))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
