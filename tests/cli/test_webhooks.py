"""`./tunedock webhooks` lists deliveries and sends one again; `key --webhooks` prints the secret."""

import json
import re
from pathlib import Path

import pytest

from services.cli.__main__ import main
from services.cli.doctor.ask_service import ask_webhooks
from services.cli.doctor.facts import ApiFacts
from shared.jobs import new_job_id
from shared.schemas.requests import LoadDiagnosticRequest
from shared.settings import Settings
from shared.webhook_secret import secret_texts
from tests.api.server import Server
from tests.cli.conftest import empty
from tests.stack import wait_until


@pytest.fixture
def here(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    empty(server)
    monkeypatch.setenv("TUNEDOCK_SERVER", server.url)
    monkeypatch.setenv("TUNEDOCK_API_KEY", server.key)
    return server


def cancelled(server: Server, address: str) -> str:
    """The id of a new job whose end is told to `address`."""
    job_id = new_job_id("load_diagnostic")
    server.store.submit(
        job_id,
        LoadDiagnosticRequest(model="tiny", webhook=address),
        owner="me",
        idempotency_key=None,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    )
    server.store.cancel(job_id)
    return job_id


def test_deliveries_are_listed_and_one_is_sent_once_more(
    here: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["webhooks"]) == 0
    assert capsys.readouterr().out == "No address was told of a job's end, and none is to be.\n"
    address = "https://[2001:db8::1]/hook"  # the server itself refuses it
    first, job_id = (cancelled(here, address) for _ in range(2))
    assert main(["webhooks", "--limit", "1"]) == 0
    _, row = capsys.readouterr().out.splitlines()
    assert row.split("\t")[0] == f"{job_id}.1"
    assert address in row
    assert main(["webhooks", "--json"]) == 0
    assert [one["job_id"] for one in json.loads(capsys.readouterr().out)] == [job_id, first]
    settings, api = Settings(data_dir=here.data_dir), ApiFacts(url=here.url, answers=True)
    wait_until(lambda: ask_webhooks(settings, api).not_delivered == 2)
    looked = ask_webhooks(settings, api)
    assert (looked.looked_at, looked.url) == (2, address)
    assert "leads to 2001:db8::1" in looked.problem
    assert main(["webhooks", "--resend", f"{job_id}.1"]) == 0
    assert capsys.readouterr().out == f"{job_id}.1 is sent to {address} now\n"
    assert main(["webhooks", "--resend", "nothing"]) == 1
    assert "There is no delivery nothing." in capsys.readouterr().err


def test_a_private_address_is_refused_in_the_option_s_name(
    here: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for url, status in (("http://127.0.0.1/", 1), ("no address", 2)):
        assert main(["diagnose", "tiny", "--webhook", url, "--detach"]) == status
        assert "--webhook" in capsys.readouterr().err


def test_the_secret_is_made_and_printed_before_there_is_any_webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(tmp_path / "data"))
    assert main(["key", "--webhooks"]) == 0
    secret = capsys.readouterr().out.strip()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert secret_texts(Settings(data_dir=tmp_path / "data")) == (secret,)
    assert main(["key", "--webhooks", "--json"]) == 0
    path = tmp_path / "data" / "webhook.secret"
    assert json.loads(capsys.readouterr().out) == {"secrets": [secret], "file": str(path)}
    for text, says in (
        ("", "has no secret"),
        ("# mine\nabc\n", "Line 1 of"),
        ("whsec_QUJD\n", "24 to 64 bytes"),
    ):
        (tmp_path / "mine").write_text(text)
        monkeypatch.setenv("TUNEDOCK_WEBHOOK_SECRETS_FILE", str(tmp_path / "mine"))
        assert main(["key", "--webhooks"]) == 1
        assert says in capsys.readouterr().err
