"""The failure of a model that the hub did not give names models that could be taken instead."""

from pathlib import Path

from huggingface_hub.errors import LocalEntryNotFoundError

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.download import _explained
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.tried_places import with_what_was_tried
from shared.messages.message import say
from shared.settings import DEMO_MODEL, Settings


def test_what_the_hub_did_not_give_is_answered_with_the_models_that_are_here(tmp_path: Path) -> None:
    (tmp_path / "models" / "tiny-llama").mkdir(parents=True)
    (tmp_path / "models" / "tiny-llama" / "config.json").write_text("{}")
    places = ModelPlaces.of(Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models"))
    failed = JobFailed(FailureCode.HUB_UNAVAILABLE, say("unset-offline"), say("check-network"))
    told = with_what_was_tried(failed, "org/absent", None, places).failure.remedy
    assert f"Or use a model that is here: {DEMO_MODEL} or tiny-llama." in told


def test_a_hub_that_is_not_reached_is_told_by_its_reason_alone() -> None:
    error = LocalEntryNotFoundError("Got: ConnectError: [Errno -2] Name or service not known")
    told = _explained("org/absent", None, error).failure.message
    assert told.endswith("has no complete copy. The reason: Name or service not known.")
    assert _explained("org/absent", None, OSError()).failure.message.endswith("The reason: OSError.")
