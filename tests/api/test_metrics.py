"""The API's metrics agree with the scripts that count."""

import re

from prometheus_client.parser import text_string_to_metric_families

from services.api.metrics import DURATION_BUCKETS, REQUEST_BUCKETS, WAIT_BUCKETS
from shared.settings import PROJECT_ROOT
from tests.api.conftest import Api


def test_histograms_have_the_buckets_the_store_counts_in() -> None:
    script = (PROJECT_ROOT / "shared" / "job_scripts" / "_common.lua").read_text()
    found = {
        name: tuple(float(number) for number in numbers.split(","))
        for name, numbers in re.findall(r"local (\w+_BUCKETS) = \{([^}]*)\}", script)
    }
    assert found == {"WAIT_BUCKETS": WAIT_BUCKETS, "DURATION_BUCKETS": DURATION_BUCKETS}


def test_requests_make_no_series_by_what_they_ask_for_but_by_route_and_class(api: Api) -> None:
    for number in range(20):
        for path in (f"/v1/jobs/ftjob-{number}", f"/v1/nowhere/{number}", f"/v1/jobs?limit={number}"):
            api.get(path)
            api.get(path, headers={"Authorization": "Bearer wrong"})
    text = api.client.get("/metrics", base_url=f"http://127.0.0.1:{api.settings.api_metrics_port}").text
    seen = [
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tunedock_http") and not sample.name.endswith("_created")
    ]
    groups = {
        ("GET", "/v1/jobs", "2xx"),
        ("GET", "/v1/jobs", "4xx"),
        ("GET", "/v1/jobs/<job_id>", "4xx"),
        ("GET", "unmatched", "4xx"),
    }
    assert set(seen) == groups
    assert len(seen) == len(groups) * (len(REQUEST_BUCKETS) + 3)  # and infinity, the count and the sum
