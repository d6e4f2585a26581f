"""Compose as the doctor sees it: .env read as compose reads it, and containers that other files made."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from services.cli.doctor.ask_engine import running_compose_files
from services.cli.doctor.compose_env import CHOOSE_CPU, read_compose, read_variables
from services.cli.doctor.facts import WEBHOOKS_FILE, ComposeFacts, EngineFacts, WebhookFacts
from services.cli.doctor.gather import gather
from services.cli.ports import free_port
from shared.settings import Settings
from tests.cli.doctor_facts import Told, finding, healthy
from tests.cli.programs import make_program

BOTH = ("docker-compose.yml", "compose.cpu.yaml")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A = b", "b"),
        ("A='b # c' # d", "b # c"),
        ('A="b"', "b"),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A=", ""),
        ("A=1\nA=b", "b"),
    ],
)
def test_a_line_of_env_means_what_it_means_to_compose(line: str, value: str) -> None:
    assert read_variables(f"# A=no\n\n{line}\n#A=no\n") == {"A": value}


def test_files_port_and_address_come_from_env_and_the_environment_goes_first(tmp_path: Path) -> None:
    assert read_compose(tmp_path, {}, ()).chosen == ("docker-compose.yml",)
    (tmp_path / "docker-compose.override.yml").touch()
    assert read_compose(tmp_path, {}, ()).chosen == ("docker-compose.yml", "docker-compose.override.yml")
    (tmp_path / ".env").write_text(f"{CHOOSE_CPU}\nTUNEDOCK_API_PORT=8181\nTUNEDOCK_BIND_ADDRESS=0.0.0.0\n")
    seen = read_compose(tmp_path, {}, ())
    assert (seen.chosen, seen.api_url) == (BOTH, "http://127.0.0.1:8181")
    assert read_compose(tmp_path, {"TUNEDOCK_API_PORT": "8282"}, ()).api_url == "http://127.0.0.1:8282"
    other = {"COMPOSE_FILE": "docker-compose.yml;compose.cpu.yaml", "COMPOSE_PATH_SEPARATOR": ";"}
    assert read_compose(tmp_path, other, ()).chosen == BOTH


def test_an_installation_that_a_plain_up_would_turn_into_another_is_told(tmp_path: Path) -> None:
    seen = ComposeFacts(running=BOTH)
    found = finding(healthy(compose=seen), "compose-files")
    assert found.status == "warning"
    assert "docker-compose.yml and compose.cpu.yaml" in found.message
    assert CHOOSE_CPU in found.remedy
    chosen = seen.model_copy(update={"chosen": BOTH})
    assert finding(healthy(compose=chosen), "compose-files").status == "ok"
    assert finding(healthy(), "compose-files").status == "ok"
    assert finding(healthy(container=True), "compose-files").status == "unknown"


def test_webhooks_that_could_not_leave_the_containers_are_told(tmp_path: Path) -> None:
    with_webhooks = (*BOTH, WEBHOOKS_FILE)
    setting = {"TUNEDOCK_WEBHOOK_URLS": "https://example.com/hook"}

    def found(running: tuple[str, ...], environment: dict[str, str], **facts: Any) -> Told:
        seen = read_compose(tmp_path, environment, running)
        return finding(healthy(compose=seen, **facts), "webhooks-way-out")

    assert found((), {}).status == "ok"
    assert found((), setting).status == "ok", "it may be meant for ./tunedock up"
    told = found(BOTH, setting)
    assert told.status == "warning"
    assert "without compose.webhooks.yaml nothing" in told.message
    assert f"COMPOSE_FILE={':'.join(with_webhooks)}" in told.remedy
    assert found(with_webhooks, setting).status == "ok"
    failed = WebhookFacts(looked_at=3, not_delivered=1, url="https://a.example/", problem="No answer.")
    assert found((), {}, webhooks=failed).status == "ok"
    assert found(BOTH, {}, webhooks=failed).status == "warning", "a job's own address is no setting"
    assert found(BOTH, {}, container=True).status == "unknown"
    (tmp_path / ".env").write_text("TUNEDOCK_WEBHOOK_URLS=https://example.com/hook\n")
    assert found((), {}).status == "warning", "the next docker compose up reads it"
    assert found((), {"TUNEDOCK_WEBHOOK_URLS": ""}).status == "ok"
    chosen = f"COMPOSE_FILE={':'.join(with_webhooks)}\n"
    (tmp_path / ".env").write_text(f"TUNEDOCK_WEBHOOK_URLS=https://example.com/hook\n{chosen}")
    assert found((), {}).status == "ok"


def test_an_engine_without_cards_is_no_fault_where_env_chooses_the_cpu() -> None:
    engine = EngineFacts(path="/usr/bin/docker", version="28.2.2", runtimes=("runc",))
    assert finding(healthy(engine=engine), "container-runtime").status == "warning"
    found = finding(healthy(engine=engine, compose=ComposeFacts(chosen=BOTH)), "container-runtime")
    assert found.status == "ok"
    assert "compose.cpu.yaml is used" in found.message


def test_the_engine_knows_which_files_made_the_worker_s_container(tmp_path: Path) -> None:
    # The containers' test asks a real engine; these are the labels it has.
    labels = (
        "label=com.docker.compose.project.working_dir=/home/me/tunedock "
        "--filter label=com.docker.compose.service=worker"
    )
    named = "/home/me/tunedock/docker-compose.yml,/home/me/tunedock/compose.cpu.yaml"
    make_program(tmp_path / "docker", f'case "$*" in *"{labels}"*) echo {named};; esac')
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    running = running_compose_files(Path("/home/me/tunedock"), environment)
    assert read_compose(Path("/home/me/tunedock"), {}, running).running == BOTH
    elsewhere = read_compose(Path("/home/me/tunedock"), {}, (*running, "/etc/tunedock/more.yaml"))
    assert elsewhere.running == (*BOTH, "/etc/tunedock/more.yaml")
    assert running_compose_files(Path("/elsewhere"), environment) == ()


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_the_doctor_asks_the_port_that_env_names(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    settings = Settings.model_validate({"data_dir": tmp_path / "data", "api_port": free_port()})
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (checkout / ".env").write_text(f"TUNEDOCK_API_PORT={server.server_port}\n")
        facts = gather(settings, {"PATH": "/nowhere"}, tmp_path / "root", checkout)
        server.shutdown()
    assert (facts.api.url, facts.api.answers) == (url, True)
    assert "answers" in finding(facts, "api").message
    facts = gather(settings, {"PATH": "/nowhere"}, tmp_path / "root", checkout)
    assert f"No Tunedock answers at {url}" in finding(facts, "api").message
