"""Every setting of Tunedock, in one typed object read once from the environment."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import WrongField
from shared.field_errors import invalid_field
from shared.messages.message import say
from shared.messages.render import shown
from shared.webhook_url import checked_url

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEMO_MODEL = "SmolLM2-135M-Instruct"
Port = Annotated[int, Field(ge=1, le=65535)]
_HOST_NAME = re.compile(r"(?=.*[A-Za-z])(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?")
MOST_WEBHOOKS = 10
OWN_CACHE = "default"  # what a request calls the cache that huggingface_hub's own variables name


class Settings(BaseSettings):
    """Settings are variables prefixed ``TUNEDOCK_``; a field's description is its row in docs/settings.md."""

    model_config = SettingsConfigDict(
        env_prefix="TUNEDOCK_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    store_url: SecretStr | None = Field(
        None, description="Redis ≥ 6.2 or Valkey that keeps jobs; unset: `./tunedock` starts its own"
    )
    store_password_file: Path | None = Field(
        None, description="file with the password for a `TUNEDOCK_STORE_URL` that has none"
    )
    data_dir: Path = Field(
        PROJECT_ROOT / "data", description="files, models, jobs, embedded store and API key"
    )
    datasets_dir: Path = Field(PROJECT_ROOT / "datasets", description="data sets a job may name, read only")
    models_dir: Path = Field(PROJECT_ROOT / "models", description="model folders a job may name, read only")
    storages: Annotated[dict[str, Path], NoDecode] = Field(
        default_factory=dict,
        description="folders on other disks that a model's cache can be moved to, `name=path` separated by "
        "commas",
    )
    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: Port = Field(8080, description="port of the API")
    api_keys_file: Path | None = Field(
        None,
        description="file with one API key a line; unset: `api.key` in the data folder, made at first start",
    )
    api_metrics_port: Port = Field(9464, description="port of the API's `/metrics`")
    metrics_host: str = Field(
        "127.0.0.1", description="address both metrics ports listen on; they want no key"
    )
    worker_metrics_port: Port = Field(9465, description="port of the worker's `/metrics`")
    default_model: str = Field(
        "LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", description="base model of a request that names none"
    )
    device: Literal["auto", "cuda", "cpu"] = Field(
        "auto", description="what the worker computes on; `auto`: a CUDA card if there is one"
    )
    gpu_reserve_bytes: NonNegativeInt | None = Field(
        None,
        description="bytes of the card that a job leaves free, so that nothing spills to main memory; unset: "
        "in WSL 2 5.6 % of the card and at least 600 MB, elsewhere `0`",
    )
    host_hf_cache: Path | None = Field(
        None,
        description="another Hugging Face cache, read only: its models are diagnosed there and copied from "
        "there instead of downloaded",
    )
    grafana_password_file: Path | None = Field(
        None, description="file with Grafana's admin password, which `./tunedock key --grafana` prints"
    )
    max_upload_bytes: PositiveInt = Field(1024**3, description="largest file `POST /v1/files` accepts")
    min_free_bytes: PositiveInt = Field(
        512 * 1024**2, description="free space in the data folder below which uploads and jobs are refused"
    )
    worker_host: str = Field(
        "worker", description="name of this worker; it must stay the same, since leases of jobs name it"
    )
    lease_seconds: PositiveFloat = Field(
        45.0, description="a job whose worker is silent for so long is taken over"
    )
    heartbeat_seconds: PositiveFloat = Field(5.0, description="time between two heartbeats of a running job")
    stall_seconds: PositiveFloat = Field(900.0, description="a job without progress for so long is given up")
    hang_seconds: PositiveFloat = Field(
        60.0,
        description="a process of the worker that gives no sign of life for so long is ended and replaced; "
        "with ./tunedock also the API and the store",
    )
    janitor_seconds: PositiveFloat = Field(5.0, description="time between two rounds of the janitor")
    reap_grace_seconds: PositiveFloat = Field(
        60.0, description="how long the store must be up before a silent worker's job is taken over"
    )
    checkpoint_seconds: PositiveFloat = Field(300.0, description="longest time between two checkpoints")
    crash_limit: PositiveInt = Field(
        3, description="attempts that may die without a new checkpoint in between"
    )
    max_queued_jobs: PositiveInt = Field(
        1000, description="jobs that may wait at once; more are refused with 429"
    )
    webhook_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses that are told of every job's end, http or https, separated by commas; they "
        "may be private",
    )
    webhook_secrets_file: Path | None = Field(
        None,
        description="file with one secret a line that webhooks are signed with, `whsec_…`; each signs; "
        "unset: `webhook.secret` in the data folder, made when it is first needed",
    )
    webhook_private_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts that the webhook of a job may reach though their addresses are private, "
        "separated by commas; `*`: all",
    )
    server: str | None = Field(
        None,
        description="address of a service elsewhere that the commands talk to, as `--server`; unset: the one "
        "of this installation",
    )
    api_key: SecretStr | None = Field(
        None, description="API key that the commands send, as `--key`; a service elsewhere wants its own"
    )
    keep_jobs: NonNegativeInt | None = Field(
        5000,
        description="ended jobs that are kept; of more, the oldest are deleted, except those that "
        "`TUNEDOCK_KEEP_ADAPTERS` keeps; 0: none is kept",
    )
    keep_days: NonNegativeFloat | None = Field(
        None, description="days for which ended jobs are kept; 0: none is kept; unset: for ever"
    )
    keep_bytes: NonNegativeInt | None = Field(
        None, description="bytes on disk that ended jobs may keep; 0: none is kept; unset: no limit"
    )
    keep_adapters: bool = Field(
        True, description="`true`: the three limits above spare jobs with an adapter or checkpoint"
    )
    keep_upload_days: PositiveFloat | None = Field(
        None,
        description="days for which uploaded files are kept; jobs have copies of the rows; unset: for ever",
    )

    @classmethod
    def from_environment(cls) -> Self:
        """The settings; raises ValueError that names each variable that can't be used and the value seen."""
        try:
            return cls()
        except ValidationError as error:
            seen = {str(item["loc"][0]): item["input"] for item in error.errors()}
            wrong = invalid_field(error, seen, cls.model_json_schema(), named=_variable)
            raise ValueError("\n".join(each.message for each in wrong.errors)) from error

    @property
    def store_address(self) -> str | None:
        """`store_url` with the password of `store_password_file`. Raises ValueError if that is unreadable."""
        if self.store_url is None:
            return None
        url = self.store_url.get_secret_value()
        if self.store_password_file is None:
            return url
        parts = urlsplit(url)
        if parts.password:
            raise ValueError(shown(say("store-has-two-passwords")))
        try:
            password = quote(self.store_password_file.read_text().strip(), safe="")
        except OSError as error:
            wrong = say("store-password-unreadable", file=self.store_password_file, error=error.strerror)
            raise ValueError(shown(wrong)) from error
        return urlunsplit(parts._replace(netloc=f":{password}@{parts.netloc}"))

    @field_validator("storages", mode="before")
    @classmethod
    def _parse_storages(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if bad := ["".join(pair) for pair in pairs if not pair[0].strip() or not pair[2].strip()]:
            raise WrongField(say("storages-not-pairs", pair=bad[0]))
        return {name.strip(): Path(path.strip()) for name, _, path in pairs}

    @field_validator("storages", mode="after")
    @classmethod
    def _check_storages(cls, value: dict[str, Path]) -> dict[str, Path]:
        if OWN_CACHE in value:
            raise WrongField(say("storage-name-means-cache", name=OWN_CACHE))
        if taken := sorted(value.keys() & {"data", "models", "hub_cache"}):
            raise WrongField(say("storage-name-is-taken", name=taken[0]))
        return {name: PROJECT_ROOT / path for name, path in value.items()}

    @field_validator("webhook_urls", "webhook_private_hosts", mode="before")
    @classmethod
    def _parse_list(cls, value: object) -> object:
        return tuple(re.split(r"[\s,]+", value.strip(" ,"))) if isinstance(value, str) else value

    @field_validator("webhook_urls", mode="after")
    @classmethod
    def _check_webhooks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > MOST_WEBHOOKS:
            raise WrongField(say("too-many-webhooks", count=len(value), most=MOST_WEBHOOKS))
        return tuple(checked_url(url) for url in value)

    @field_validator("api_host", "metrics_host", mode="after")
    @classmethod
    def _check_host(cls, value: str, info: ValidationInfo) -> str:
        """An address or a name and nothing around it; the start shows whether it is one of this machine's."""
        host = value.strip()
        if not _HOST_NAME.fullmatch(host) and not _is_address(host.removeprefix("[").removesuffix("]")):
            raise WrongField(say("host-unusable", variable=_variable(str(info.field_name)), host=repr(value)))
        return host

    @field_validator("data_dir", "datasets_dir", "models_dir", mode="after")
    @classmethod
    def _anchor(cls, value: Path) -> Path:
        """A relative folder means the same whatever folder a process was started in."""
        return value if value.is_absolute() else (PROJECT_ROOT / value).resolve()

    @classmethod
    def settings_table(cls) -> list[tuple[str, str, str]]:
        """(variable, default, meaning) of each setting in order; docs/settings.md is tested against it."""
        return [
            (f"TUNEDOCK_{name.upper()}", _default_text(name), field.description or "")
            for name, field in cls.model_fields.items()
        ]


def _variable(path: str) -> str:
    """The variable of the setting at `path`."""
    return f"TUNEDOCK_{path.upper()}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _default_text(name: str) -> str:
    default = Settings.model_fields[name].get_default(call_default_factory=True)
    if default is None or default in ({}, ()):
        return "unset"
    if isinstance(default, Path):
        return f"./{default.relative_to(PROJECT_ROOT)}"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
