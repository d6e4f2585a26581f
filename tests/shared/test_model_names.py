"""What a model may be called."""

import pytest

from shared.jobs import new_job_id
from shared.model_names import fine_tuned_model_id, job_id_of


def test_a_fine_tuned_model_leads_back_to_its_job() -> None:
    job_id = new_job_id("fine_tuning")
    name = fine_tuned_model_id("LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "spam", job_id)
    assert name == f"ft:EXAONE-3.5-2.4B-Instruct:spam:{job_id[6:]}"
    assert job_id_of(name) == job_id


@pytest.mark.parametrize("name", ["SmolLM2", "ft:", "ft:a:b", "ft:a:b:c:d", "ft:a:b:../x", "ft:a:b:c\n"])
def test_other_names_lead_to_no_job(name: str) -> None:
    assert job_id_of(name) is None
