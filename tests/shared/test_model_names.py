"""What a model may be called."""

import pytest

from shared.jobs import new_job_id
from shared.model_names import FineTunedModel, checkpoint_model_id, fine_tuned_model, fine_tuned_model_id


def test_a_fine_tuned_model_leads_back_to_its_job() -> None:
    job_id = new_job_id("fine_tuning")
    name = fine_tuned_model_id("LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "spam", job_id)
    assert name == f"ft:EXAONE-3.5-2.4B-Instruct:spam:{job_id[6:]}"
    assert fine_tuned_model(name) == FineTunedModel(name, job_id, None)
    checkpoint = fine_tuned_model(checkpoint_model_id(name, 40))
    assert checkpoint is not None
    assert (checkpoint.job_id, checkpoint.step, checkpoint.made_by_its_job) == (job_id, 40, name)


@pytest.mark.parametrize(
    "name",
    ["SmolLM2", "ft:", "ft:a:b", "ft:a:b:c:d", "ft:a:b:../x", "ft:a:b:c\n", "ft:a:b:c:ckpt-step-",
     "ft:a:b:c:ckpt-step-0", "ft:a:b:c:ckpt-step-1/..", "ft:a:b:c:ckpt-step-٣"],
)  # fmt: skip
def test_other_names_lead_to_no_job(name: str) -> None:
    assert fine_tuned_model(name) is None
