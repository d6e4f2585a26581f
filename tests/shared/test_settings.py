"""The settings' own rules: empty is unset, bad values are named, the store's address gets its password."""

from pathlib import Path

import pytest

from shared.settings import PROJECT_ROOT, Settings


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEDOCK_STALL_SECONDS", "")
    assert Settings.from_environment() == Settings()


def test_storages_are_names_with_folders_that_mean_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUNEDOCK_STORAGES", "ssd=/mnt/ssd, usb = disks/usb")
    assert Settings().storages == {"ssd": Path("/mnt/ssd"), "usb": PROJECT_ROOT / "disks/usb"}


def test_no_storage_may_take_the_name_of_the_cache_s_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEDOCK_STORAGES", "default=/mnt/ssd")
    with pytest.raises(ValueError, match="TUNEDOCK_STORAGES can't call a storage default"):
        Settings.from_environment()


def test_every_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEDOCK_MAX_UPLOAD_BYTES", "1GB")
    monkeypatch.setenv("TUNEDOCK_DEVICE", "gpu")
    with pytest.raises(ValueError, match=r"(?s)TUNEDOCK_DEVICE.*TUNEDOCK_MAX_UPLOAD_BYTES.*1GB"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("API_PORT", "0", "TUNEDOCK_API_PORT must be at least 1. It is \"0\"."),
        ("API_PORT", "99999", "TUNEDOCK_API_PORT must be at most 65535. It is \"99999\"."),
        ("API_METRICS_PORT", "x", "TUNEDOCK_API_METRICS_PORT must be a whole number. It is \"x\"."),
        ("KEEP_DAYS", "-1", "TUNEDOCK_KEEP_DAYS must be at least 0. It is \"-1\"."),
        ("KEEP_ADAPTERS", "maybe", "TUNEDOCK_KEEP_ADAPTERS must be true or false. It is \"maybe\"."),
        ("DEVICE", "gpu", "TUNEDOCK_DEVICE must be auto, cuda, or cpu. It is \"gpu\"."),
        ("STORAGES", "x", "TUNEDOCK_STORAGES"),
        *((name, host, f"TUNEDOCK_{name} must be an address or a host's name")
          for name in ("API_HOST", "METRICS_HOST")
          for host in (" ", "http://127.0.0.1", "127.0.0.1:80", "a b", "a\nb", "*", "a..b", "999.1.1.1",
                       "127.1", "é", "-a", "x" * 64)),
    ],
)  # fmt: skip
def test_a_variable_that_can_not_be_used_is_told_in_one_plain_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"TUNEDOCK_{variable}", value)
    with pytest.raises(ValueError, match="TUNEDOCK_") as caught:
        Settings.from_environment()
    assert str(caught.value).startswith(words)
    assert "Input should" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0.0.0.0", "::", "::1", "[::]", "localhost", "my-host.lan", " 127.0.0.1 ", "fe80::1%eth0"],
)
def test_an_address_or_a_name_may_be_listened_on(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("TUNEDOCK_API_HOST", host)
    assert Settings.from_environment().api_host == host.strip()


def test_none_of_the_ended_jobs_may_be_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOBS", "DAYS", "BYTES"):
        monkeypatch.setenv(f"TUNEDOCK_KEEP_{name}", "0")
    settings = Settings.from_environment()
    assert (settings.keep_jobs, settings.keep_days, settings.keep_bytes) == (0, 0, 0)


def test_the_store_s_address_has_the_password_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a/b c\n")
    settings = Settings.model_validate(
        {"store_url": "redis://store:6379/0", "store_password_file": tmp_path / "password"}
    )
    assert settings.store_address == "redis://:a%2Fb%20c@store:6379/0"


def test_a_password_file_that_is_missing_or_one_too_many_is_told(tmp_path: Path) -> None:
    absent = {"store_url": "redis://store:6379/0", "store_password_file": tmp_path / "absent"}
    with pytest.raises(ValueError, match="absent of TUNEDOCK_STORE_PASSWORD_FILE can't be read"):
        _ = Settings.model_validate(absent).store_address
    twice = absent | {"store_url": "redis://:secret@store:6379/0"}
    with pytest.raises(ValueError, match="has a password already"):
        _ = Settings.model_validate(twice).store_address
