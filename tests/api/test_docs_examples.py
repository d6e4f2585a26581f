"""Every example of the reference, run by a shell against the delivered server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pydantic import TypeAdapter

from services.api.answer_examples import ANSWERS
from services.api.curl_examples import ROWS_FILE, curl_lines
from services.api.routes import ROUTES
from services.api.routing import Route
from shared.model_names import fine_tuned_model_id
from shared.sealed_folder import seal
from shared.settings import PROJECT_ROOT
from tests.adapter_folders import lay_out_adapter
from tests.api.server import Server, serve
from tests.ledger import claim_next
from tests.valkey import Valkey

ROWS = '{"text": "win a prize", "label": "spam"}\n{"text": "see you", "label": "ham"}\n'
ENDED = ("get_report", "get_adapter", "delete_job", "get_model", "delete_model")

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None and not os.environ.get("CI"), reason="curl runs the examples"
)


@dataclass(frozen=True)
class Shell:
    """Runs lines as a reader would, with the variables that the reference speaks of."""

    server: Server
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, line: str) -> tuple[int, bytes]:
        """(status, answer) of one curl line."""
        assert line.startswith("curl ")
        is_followed = line.startswith("curl -N ")  # a stream that does not end by itself
        options = "-m 2 " if is_followed else ""
        asking = line.replace("curl ", f"curl {options}-s -w '\\n%{{http_code}}' ", 1)
        done = subprocess.run(
            ["sh", "-euc", asking],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "KEY": self.server.key, **self.variables},
            capture_output=True,
            timeout=30,
        )
        assert done.returncode == (28 if is_followed else 0), (line, done.stderr)
        answer, _, status = done.stdout.rpartition(b"\n")
        return int(status), answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("api")
    shutil.copytree(PROJECT_ROOT / "datasets/sample_spam", folder / "datasets/sample_spam")
    model = folder / "models" / "SmolLM2-135M-Instruct"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    valkey = Valkey(tmp_path_factory.mktemp("valkey")).start()
    with serve(folder, valkey) as server:
        yield server
    valkey.kill()


def made(server: Server, route: Route, text: str) -> dict[str, str]:
    """What the variables in `text` stand for, made anew."""
    with httpx.Client(base_url=server.url, headers=server.headers, trust_env=False) as client:

        def file() -> str:
            rows = {"file": (ROWS_FILE, ROWS.encode())}
            return str(client.post("/v1/files", data={"purpose": "fine-tune"}, files=rows).json()["id"])

        def job() -> str:
            body = {"kind": "fine_tuning", "model": "tiny", "training_file": file()}
            if route.name == "resend_delivery":
                body["webhook"] = "https://hooks.invalid/"
            return str(client.post("/v1/jobs", json=body).json()["id"])

        found = {name: file() for name in ("FILE", "HELD_OUT") if f"${name}" in text}
        if "$JOB" in text or "$MODEL" in text:
            server.store._redis.flushall()
            found["JOB"] = job()
            found["MODEL"] = fine_tuned_model_id("tiny", None, found["JOB"])
        if route.name in ENDED:
            adapter = lay_out_adapter(server.data_dir / "jobs" / found["JOB"] / "adapter")
            seal(adapter, {})
            result = {"fine_tuned_model": found["MODEL"]}
            server.store.finish(claim_next(server.store), "succeeded", message="Done", result=result)
        if "$OTHER" in text:
            found["OTHER"] = job()
        if route.name == "resend_delivery":
            client.post(f"/v1/jobs/{found['JOB']}/cancel").raise_for_status()
        if route.name in ("resume_job", "resume_fine_tuning_job"):
            client.post(f"/v1/jobs/{found['JOB']}/pause").raise_for_status()
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_example_of_the_reference_is_answered_as_it_says(
    server: Server, route: Route, tmp_path: Path
) -> None:
    (tmp_path / ROWS_FILE).write_text(ROWS)
    for _, line in curl_lines(route, server.url):
        status, answer = Shell(server, tmp_path, made(server, route, line)).run(line)
        expected = 503 if route.name == "get_readiness" else route.status  # no worker runs here
        assert status == expected, (line, answer)
        if route.name in ANSWERS and status < 300 and not line.startswith("curl -N "):
            assert json.loads(answer).keys() >= ANSWERS[route.name].keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_every_example_of_an_answer_is_one(name: str) -> None:
    (route,) = [route for route in ROUTES if route.name == name]
    checked: Any = TypeAdapter(cast("Any", route.answer)).validate_python(ANSWERS[name])
    assert checked.model_dump(exclude_unset=True) == ANSWERS[name]


def test_the_first_lines_of_the_reference_train_on_a_file(server: Server, tmp_path: Path) -> None:
    page = httpx.get(f"{server.url}/docs", trust_env=False).text
    begin = page.partition('<section id="begin">')[2].partition("</section>")[0]
    script = "get_id() {" + begin.partition("get_id() {")[2].partition("</pre>")[0]
    for escaped, plain in (("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        script = script.replace(escaped, plain)
    (tmp_path / ROWS_FILE).write_text(ROWS)
    done = subprocess.run(
        ["sh", "-euc", script.replace('"fine_tuning", ', '"fine_tuning", "model": "tiny", ')],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "KEY": server.key},
        capture_output=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["status"] == "queued", done.stderr
    assert f"{server.url}/v1/jobs/$JOB" in script
