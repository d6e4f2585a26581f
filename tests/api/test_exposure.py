"""What the API says of who reaches it."""

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
