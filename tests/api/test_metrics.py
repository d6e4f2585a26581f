"""The API's metrics agree with the scripts that count."""

import re

from services.api.metrics import DURATION_BUCKETS, WAIT_BUCKETS
from shared.settings import PROJECT_ROOT


def test_histograms_have_the_buckets_the_store_counts_in() -> None:
    script = (PROJECT_ROOT / "shared" / "job_scripts" / "_common.lua").read_text()
    found = {
        name: tuple(float(number) for number in numbers.split(","))
        for name, numbers in re.findall(r"local (\w+_BUCKETS) = \{([^}]*)\}", script)
    }
    assert found == {"WAIT_BUCKETS": WAIT_BUCKETS, "DURATION_BUCKETS": DURATION_BUCKETS}
