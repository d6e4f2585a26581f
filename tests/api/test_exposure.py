"""What the API says of who reaches it."""

import os
import subprocess
import sys
from pathlib import Path

from services.api.exposure import exposure
from shared.settings import Settings


def test_what_others_reach_is_said_with_what_protects_it_and_the_setting() -> None:
    assert exposure(Settings()) == []
    api, metrics = exposure(Settings(api_host="0.0.0.0", metrics_host="0.0.0.0"))
    assert "wants an API key" in api
    assert "TUNEDOCK_API_HOST=127.0.0.1" in api
    assert "no key" in metrics
    assert "TUNEDOCK_METRICS_HOST" in metrics
    [api] = exposure(Settings(api_host="0.0.0.0"))
    assert "API" in api


def test_the_metrics_port_listens_where_its_own_setting_says() -> None:
    """Whoever opens the API to others opens no metrics with it."""
    conf = Path(__file__).resolve().parents[2] / "services/api/gunicorn.conf.py"
    show = f"import runpy; print(*runpy.run_path({str(conf)!r})['bind'])"
    for host, metrics_host, bound in (
        ("0.0.0.0", "127.0.0.1", "0.0.0.0:8080 127.0.0.1:9464"),
        ("127.0.0.1", "::", "127.0.0.1:8080 [::]:9464"),
    ):
        said = {"TUNEDOCK_API_HOST": host, "TUNEDOCK_METRICS_HOST": metrics_host}
        done = subprocess.run(
            [sys.executable, "-c", show], env=os.environ | said, capture_output=True, text=True, timeout=60
        )
        assert (done.stdout.strip(), done.returncode) == (bound, 0), done.stderr
