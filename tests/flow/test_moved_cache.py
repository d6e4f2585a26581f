"""A worker that starts after a move: the whole service works with the cache on the storage."""

import json
from pathlib import Path

from shared.cache_choice import CacheChoice, write_choice
from shared.settings import Settings
from tests.hub_layout import lay_out_model
from tests.stack import TINY_MODEL, live_stack, wait_until
from tests.tiny_models import make_tiny_llama

MODEL = "someone/tiny"


def test_a_worker_uses_and_tells_the_place_a_job_moved_the_cache_to(tmp_path: Path) -> None:
    cache = tmp_path / "ssd" / "hub"
    lay_out_model(make_tiny_llama(tmp_path / "models" / TINY_MODEL), MODEL, cache)
    write_choice(Settings(data_dir=tmp_path / "data"), CacheChoice(storage="ssd", folder=str(cache)))
    state = tmp_path / "data" / "worker" / "worker.state.json"
    environment = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    with live_stack(tmp_path, TUNEDOCK_STORAGES=f"ssd={tmp_path / 'ssd'}", **environment) as stack:
        wait_until(lambda: state.exists() and json.loads(state.read_text())["hf_cache"] == str(cache))
        job = stack.client.submit({"kind": "load_diagnostic", "model": MODEL, "trial_load": False})
        assert stack.until_ended(job.id).status == "succeeded"
        facts = stack.client.report(job.id)["facts"]
        assert Path(facts["checkpoint"]["folder"]).is_relative_to(cache)
        assert facts["cache"]["decided_by"] == "the move to storage 'ssd'"
        assert {variable["effect"] for variable in facts["cache"]["variables"]} == {"outranked"}
