"""A page that gets passed on names no folder, host or user of the machine it was made on."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.api.page_kit.places import Places
from shared.settings import PROJECT_ROOT, Settings
from tests.api.conftest import Api
from tests.api.html_page import Page
from tests.api.load_reports import REPORTS, report_of
from tests.api.test_load_page import answer_for
from tests.worker.diagnosis.diagnosed import changed, healthy

SETTINGS = Settings(
    data_dir=Path("/srv/kim/data"), models_dir=Path("/srv/kim/models"), storages={"ssd": Path("/mnt/kim/ssd")}
)
REPORT = {
    "facts": {
        "cache": {"folder": "/hf-cache/hub"},
        "storage": {"source": "nas.corp.example:/volume1"},
    }
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/kim/data/models/m/x.safetensors is on / (ext4)", "data/models/m/x.safetensors is on / (ext4)"),
        ("cp /srv/kim/models/a '/srv/kim/models/a b'", "cp models/a 'models/a b'"),
        ("/srv/kim/data2/x", "…/x"),
        ("moved to /mnt/kim/ssd/hub", "moved to ssd/hub"),
        ("TUNEDOCK_STORAGES=ssd=/mnt/kim/ssd", "TUNEDOCK_STORAGES=ssd=ssd"),
        ("/hf-cache/hub/models--a", "cache/models--a"),
        (f"{PROJECT_ROOT}/.venv/bin/python -", "./.venv/bin/python -"),
        ("/usr/local/bin/python3.11 - x", "python3.11 - x"),
        ("HF_HOME=/home/kim/.cache/huggingface", "HF_HOME=~/.cache/huggingface"),
        ("(/root/.cache), /Users/kim/x", "(~/.cache), ~/x"),
        ("/mnt/c/Users/kim/models and C:\\Users\\kim\\m", "…/models and C:\\Users\\~\\m"),
        ("on /mnt/c (9p)", "on /mnt/c (9p)"),
        ("/proc/pressure/cpu says, /dev/vda1 reads", "/proc/pressure/cpu says, /dev/vda1 reads"),
        ("nfs4 from nas.corp.example:/volume1 at nas.corp.example", "nfs4 from a-server at a-server"),
        ("HF_ENDPOINT=https://mirror.corp.example:8443/hub", "HF_ENDPOINT=https://a-server/hub"),
        ("https://huggingface.co/org/model", "https://huggingface.co/org/model"),
        ("4/8 files at 3 MB/s of org/model, 50 kB/s", "4/8 files at 3 MB/s of org/model, 50 kB/s"),
        ("</script>", "</script>"),
    ],
)
def test_a_text_says_where_without_saying_whose(text: str, shown: str) -> None:
    assert Places.of(SETTINGS, REPORT).text(text) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/", "/"), ("/mnt/c", "/mnt/c"), ("/mnt/My Disk", "…/My Disk"), ("/srv/kim/data/x y", "data/x y")],
)
def test_a_path_may_have_spaces(path: str, shown: str) -> None:
    assert Places.of(SETTINGS, REPORT).shown({"mount_point": path}) == {"mount_point": shown}


@pytest.mark.parametrize("name", REPORTS)
def test_no_page_has_a_folder_or_home_of_this_machine(api: Api, name: str) -> None:
    secret = str(api.job_folder("x").parent.parent)
    report = json.loads(
        json.dumps(REPORTS[name]()).replace("/mnt/c", secret).replace("/cache", f"{Path.home()}/cache")
    )
    answer = answer_for(api, report)
    assert answer.status_code == 200
    for folder in {secret, str(Path.home()), str(PROJECT_ROOT)} - {"/"}:
        assert folder not in answer.text


def private_report() -> dict[str, Any]:
    """A model in a user's home, on a network share, as facts and sentences tell of it."""
    return report_of(
        changed(
            healthy(),
            checkpoint__folder="/home/kim/models/m",
            storage__real_path="/home/kim/models/m/model.safetensors",
            storage__mount_point="/home/kim/models",
            storage__source="nas.corp.example:/volume1",
            storage__filesystem="nfs4",
            storage__storage_class="network",
        )
    )


def test_users_and_hosts_stand_on_no_page(api: Api) -> None:
    answer = answer_for(api, private_report())
    page = Page.read(answer.text)
    assert "kim" not in page.text
    assert "nas.corp" not in answer.text
    assert "~/models/m" in page.text


def test_the_report_as_data_keeps_whole_paths(api: Api) -> None:
    job = answer_for(api, private_report())
    assert job.status_code == 200
    (listed,) = api.get("/v1/jobs?kind=load_diagnostic").get_json()["data"]
    data = api.get(f"/v1/jobs/{listed['id']}/report").get_json()
    assert data["facts"]["checkpoint"]["folder"] == "/home/kim/models/m"
