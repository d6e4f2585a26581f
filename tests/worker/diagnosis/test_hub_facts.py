"""What the hub is asked about a model, what it is told meanwhile, and that nobody waits for it."""

import time
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from services.worker.diagnosis.hub_facts import CONVERSION_BOT, ask_hub
from shared.messages.render import told
from shared.reports.model_files import HubModel
from tests.worker.models.hub_server import COMMIT, Hub, Proposal, running_hub

MODEL = "someone/tiny"
TITLE = "Adding `safetensors` variant of this model"
PICKLED = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
CONVERTED = {**PICKLED, "model.safetensors": b"safe"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        hub.repositories[MODEL] = PICKLED
        yield hub


def ask(name: str = MODEL, *, seconds: float = 20.0, find_conversion: bool = True) -> HubModel:
    return ask_hub(name, find_conversion=find_conversion, seconds=seconds)


def test_a_pickled_repository_has_no_safetensors(hub: Hub) -> None:
    assert ask() == HubModel(main_commit=COMMIT, has_safetensors=False)


def test_safetensors_on_main_are_seen_and_counted(hub: Hub) -> None:
    hub.repositories[MODEL] = CONVERTED
    hub.counted[MODEL] = {"F32": 100, "BF16": 7}
    found = ask()
    assert (found.has_safetensors, found.conversion) == (True, None)
    assert found.dtype_parameters == {"F32": 100, "BF16": 7}
    assert not any("discussions" in path for _, path in hub.requests)


def test_the_bots_conversion_of_the_same_pickles_is_named(hub: Hub) -> None:
    hub.proposals[MODEL] = [
        Proposal(3, CONVERSION_BOT, "Another matter", CONVERTED),
        Proposal(7, CONVERSION_BOT, TITLE, CONVERTED),
    ]
    assert ask().conversion == "refs/pr/7"


@pytest.mark.parametrize(
    ("author", "files"),
    [
        ("mallory", CONVERTED),  # anybody may propose anything
        (CONVERSION_BOT, {**CONVERTED, "pytorch_model.bin": b"what main was before"}),
        (CONVERSION_BOT, PICKLED),
    ],
    ids=["by somebody else", "of other pickles", "without safetensors"],
)
def test_a_proposal_that_is_no_conversion_of_these_pickles_is_not_named(
    hub: Hub, author: str, files: dict[str, bytes]
) -> None:
    hub.proposals[MODEL] = [Proposal(7, author, TITLE, files)]
    assert ask().conversion is None


def test_nobody_looks_for_a_conversion_of_safetensors(hub: Hub) -> None:
    hub.repositories[MODEL] = CONVERTED
    ask(find_conversion=False)
    assert hub.requests == [("GET", f"/api/models/{MODEL}")]
    assert hub.queries == [""]


def test_the_hub_learns_the_models_name_and_the_token_and_no_more(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.proposals[MODEL] = [Proposal(7, CONVERSION_BOT, TITLE, CONVERTED)]
    ask()
    assert all(verb == "GET" and path.startswith(f"/api/models/{MODEL}") for verb, path in hub.requests)
    known = {"blobs=true", "type=pull_request&author=SFconvertbot&p=0", ""}
    assert set(hub.queries) <= known
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent", "x-amzn-trace-id"}
    for headers in hub.headers:
        assert headers["authorization"] == "Bearer hf_secret"
        assert headers.keys() - usual <= {"authorization", "x-request-id"}


def test_closed_discussions_leave_what_main_says(hub: Hub) -> None:
    hub.proposals[MODEL] = [Proposal(7, CONVERSION_BOT, TITLE, CONVERTED)]
    hub.without_discussions = True
    found = ask()
    assert (found.main_commit, found.has_safetensors, found.conversion) == (COMMIT, False, None)
    assert "403" in told(found.unknown or "")


def test_offline_the_hub_is_not_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    found = ask()
    assert (found.has_safetensors, hub.requests) == (None, [])
    assert "HF_HUB_OFFLINE" in told(found.unknown or "")


def test_a_hub_that_does_not_answer_is_given_up(hub: Hub) -> None:
    hub.delay_seconds = 30.0
    started = time.monotonic()
    found = ask(seconds=0.5)
    assert time.monotonic() - started < 25
    assert found.has_safetensors is None
    assert found.unknown


def test_a_hub_that_fails_or_is_away_is_unknown_with_a_reason(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "RepositoryNotFoundError" in told(ask("someone/else").unknown or "")
    hub.broken = True
    assert "500" in told(ask().unknown or "")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "127.0.0.1:9" in told(ask().unknown or "")
