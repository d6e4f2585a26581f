"""The Flask application over the settings of the environment; asgi.py puts it into the server."""

import logging
import os
from pathlib import Path

from services.api.app import create_app
from services.api.auth import load_keys
from services.api.exposure import exposure
from services.api.live.streams import EventStreams
from services.api.metrics import PLACE
from services.api.webhooks.sender import Sender
from shared.job_store import JobStore
from shared.private_files import keep_private
from shared.queue import Doorbell
from shared.settings import Settings
from shared.webhook_store import WebhookStore

settings = Settings()
_url = settings.store_address
if _url is None:
    raise SystemExit(
        "TUNEDOCK_STORE_URL is not set: the API needs a Redis or Valkey, for example "
        "redis://127.0.0.1:6379/0. `./tunedock up` starts one of its own."
    )
_metrics_folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # set in gunicorn.conf.py
if _metrics_folder:
    PLACE.share_counts()
keep_private(settings.data_dir)
for _line in exposure(settings):
    logging.getLogger(__name__).warning(_line)
keys = load_keys(settings)
streams = EventStreams(_url, settings.data_dir)
webhooks = Sender(settings, WebhookStore.connect_for_answers(_url))
app = create_app(
    settings,
    JobStore.connect_for_answers(_url),
    Doorbell(_url).ring_soon,
    keys=keys,
    streams_are_full=lambda: streams.are_full,
    metrics_folder=Path(_metrics_folder) if _metrics_folder else None,
)
