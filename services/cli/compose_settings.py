"""What docker-compose.yml reads beside the service's own settings; rows of docs/settings.md."""

# (variable, default, meaning)
COMPOSE_SETTINGS = (
    (
        "COMPOSE_FILE",
        "docker-compose.yml",
        "compose only, in `.env`: the files of the installation; without a card "
        "`docker-compose.yml:compose.cpu.yaml`",
    ),
    ("COMPOSE_PATH_SEPARATOR", ":", "compose only: what separates the files of `COMPOSE_FILE`"),
    ("TUNEDOCK_HF_CACHE", "a volume", "compose only: folder on an SSD for the Hugging Face cache"),
    ("TUNEDOCK_GPU", "0", "compose only: the worker's card, its number or UUID"),
    ("TUNEDOCK_BIND_ADDRESS", "127.0.0.1", "compose only: address that API and Grafana are published on"),
    ("TUNEDOCK_GRAFANA_PORT", "3000", "compose only: port of Grafana on this machine"),
    ("TUNEDOCK_WORKER_MEMORY", "0", "compose only: most memory of the worker's container; `0`: no limit"),
    ("TUNEDOCK_API_MEMORY", "6g", "compose only: most memory of the API's container"),
    ("TUNEDOCK_PROMETHEUS_MEMORY", "2g", "compose only: most memory of Prometheus"),
    ("TUNEDOCK_GRAFANA_MEMORY", "1g", "compose only: most memory of Grafana"),
)
# huggingface_hub's own, handed on to the worker.
HUB_VARIABLES = ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HOME")
