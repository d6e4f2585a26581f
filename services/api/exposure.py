"""What the API says at its start when others than this machine reach it."""

from shared.loopback import is_loopback
from shared.settings import Settings


def exposure(settings: Settings) -> list[str]:
    """A sentence for each address that is not this machine's own: who may come, and what protects it."""
    said = []
    if not is_loopback(settings.api_host):
        said.append(
            f"The API listens on {settings.api_host}: whoever reaches port {settings.api_port} may try it. "
            "Every page that holds data wants an API key; nothing is encrypted, so put a proxy with TLS in "
            "front where you do not trust the network. TUNEDOCK_API_HOST=127.0.0.1 is for this machine alone."
        )
    if not is_loopback(settings.metrics_host):
        said.append(
            f"The metrics ports listen on {settings.metrics_host} and want no key: whoever reaches them "
            "reads counts, speeds and models' names. TUNEDOCK_METRICS_HOST=127.0.0.1 is for this machine."
        )
    return said
