"""The API as gunicorn serves it: `gunicorn -c services/api/gunicorn.conf.py services.api.wsgi:app`."""

import os
from pathlib import Path

from services.api.app import create_app
from services.api.metrics import PLACE
from shared.job_store import JobStore
from shared.queue import Doorbell
from shared.settings import Settings

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
app = create_app(
    settings,
    JobStore.connect(_url),
    Doorbell(_url).ring,
    metrics_folder=Path(_metrics_folder) if _metrics_folder else None,
)
