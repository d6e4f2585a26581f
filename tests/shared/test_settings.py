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
