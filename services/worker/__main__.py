"""Starts the worker: `python -m services.worker`."""

import os
import shutil
import warnings

from celery.exceptions import SecurityWarning

from services.worker.process.environment import set_environment
from services.worker.process.paths import worker_folder
from shared.private_files import keep_private
from shared.settings import Settings


def main() -> None:
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        raise SystemExit(str(error)) from error
    keep_private(settings.data_dir)
    for name in [name for name, value in os.environ.items() if name.startswith("HF_") and not value.strip()]:
        del os.environ[name]  # huggingface_hub takes an empty address for an address
    # The child writes its metrics into this folder and the main process serves them, so that counters outlive
    # a child. prometheus_client reads the variable when it is imported.
    metrics_folder = worker_folder(settings.data_dir) / f"{settings.worker_host}.metrics"
    shutil.rmtree(metrics_folder, ignore_errors=True)
    metrics_folder.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)
    set_environment()

    # Celery warns root of messages that are programs; ours are JSON and say no more than that a job waits.
    warnings.filterwarnings("ignore", category=SecurityWarning)

    from services.worker.metrics import serve
    from services.worker.process.main import app

    serve(settings.metrics_host, settings.worker_metrics_port)
    app.worker_main(
        [
            "--quiet",  # no banner: the log begins with what happens
            "worker",
            "-n",
            f"{settings.worker_host}@%h",
            "--without-gossip",
            "--without-mingle",
            # A heartbeat that is due when the store goes is sent again for ever: no signal ends the process.
            "--without-heartbeat",
            "-l",
            "INFO",
        ]
    )


if __name__ == "__main__":
    main()
