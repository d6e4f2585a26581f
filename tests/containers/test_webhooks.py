"""Webhooks leave the containers where compose.webhooks.yaml is chosen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shared.settings import PROJECT_ROOT
from tests.containers.installation import Installation
from tests.containers.outside import outside
from tests.stack import TINY_MODEL, wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

RECEIVER = """
import http.server, sys
class Receiving(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[1], "ab") as file:
            file.write(body + b"\\n")
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("", int(sys.argv[2])), Receiving).serve_forever()
"""


def test_a_webhook_reaches_the_world_where_the_file_for_it_is_chosen(
    up: Installation, tmp_path: Path
) -> None:
    received = tmp_path / "received.jsonl"
    received.touch()
    with outside("-c", RECEIVER, str(received)) as door:
        files = (*up.files, PROJECT_ROOT / "compose.webhooks.yaml")
        told = replace(
            up, files=files, environment={**up.environment, "TUNEDOCK_WEBHOOK_URLS": f"http://{door}/hook"}
        )
        told.compose("up", "-d", "--no-deps", "api")
        try:
            told.until_ready()
            with told.client() as client:
                job_id = client.submit(
                    {"kind": "dataset_report", "model": TINY_MODEL, "dataset": "messages.jsonl"}
                ).id
            assert told.until_ended(job_id).status == "succeeded"
            wait_until(lambda: received.read_text().endswith("\n"), 20)
        finally:
            up.compose("up", "-d", "--no-deps", "api")
            up.until_ready()
    [event] = map(json.loads, received.read_text().splitlines())
    assert (event["type"], event["data"]["id"]) == ("dataset_report.job.succeeded", job_id)
