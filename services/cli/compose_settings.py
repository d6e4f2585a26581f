"""What docker-compose.yml reads beside the service's own settings; rows of the README's table of settings."""

# (variable, default, meaning)
COMPOSE_SETTINGS = (
    (
        "COMPOSE_FILE",
        "docker-compose.yml",
        "compose only, in `.env`: the files of the installation; without a card "
        "`docker-compose.yml:compose.cpu.yaml`",
    ),
    ("COMPOSE_PATH_SEPARATOR", ":", "compose only: what separates them"),
    ("TUNEDOCK_HF_CACHE", "a volume", "compose only: folder on an SSD for the Hugging Face cache"),
    ("TUNEDOCK_GRAFANA_PORT", "3000", "compose only: port of Grafana on this machine"),
)
# huggingface_hub's own, handed on to the worker.
HUB_VARIABLES = ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HOME")
