"""Which service the commands talk to: one that is named, else the one of this installation."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.cli.failure import UsageError
from services.cli.stack_state import running_stack
from shared.settings import Settings

WANTED = "Give an address like http://192.168.1.5:8080 with --server, or in TUNEDOCK_SERVER."
LOOPBACK = {4: ("127.0.0.1",), 6: ("[::1]", "127.0.0.1")}  # what listens on :: listens on both, as a rule


@dataclass(frozen=True)
class Address:
    """`urls` are tried in turn; `remedy` says what to do when none answers. Keys of this installation are
    for services that are its own."""

    urls: tuple[str, ...]
    is_own: bool
    remedy: str


def address(settings: Settings) -> Address:
    """Of the service that the settings mean. Raises `UsageError` for an address that is none."""
    stack = running_stack(settings.data_dir)
    own = api_urls(settings)
    if settings.server is not None:
        url = server_url(settings.server)
        return Address(
            (url,),
            is_own=url in (*own, stack.url if stack else ""),
            remedy="Check --server or TUNEDOCK_SERVER, and whether the service runs there and may be reached "
            "(TUNEDOCK_API_HOST=0.0.0.0 where it runs).",
        )
    named = sorted(settings.model_fields_set & {"api_host", "api_port"})
    if stack and (not named or stack.url in own):
        return Address((stack.url,), is_own=True, remedy="Start it with: ./tunedock up")
    if stack:
        variables = " and ".join(f"TUNEDOCK_{name.upper()}" for name in named)
        verb = "name" if len(named) > 1 else "names"
        return Address(
            own,
            is_own=True,
            remedy=f"{variables} {verb} this address, but the service that runs on {settings.data_dir} is at "
            f"{stack.url}: unset {variables}, or give --server {stack.url}.",
        )
    return Address(own, is_own=True, remedy="Start it with: ./tunedock up")


def api_url(settings: Settings) -> str:
    """The API's address as seen from this machine."""
    return api_urls(settings)[0]


def api_urls(settings: Settings) -> tuple[str, ...]:
    """Where the API may be reached from this machine: what listens everywhere listens here, too."""
    host = settings.api_host.removeprefix("[").removesuffix("]")
    try:
        number = ip_address(host)
    except ValueError:
        return (_http(host, settings.api_port),)
    if number.is_unspecified:
        return tuple(_http(here, settings.api_port) for here in LOOPBACK[number.version])
    return (_http(f"[{host}]" if number.version == 6 else host, settings.api_port),)


def _http(host: str, port: int) -> str:
    return f"http://{host}:{port}"


def server_url(text: str) -> str:
    """`text` as the root of an API: `host:8080`, a trailing slash and the SDK's `/v1` are understood.

    Raises `UsageError`.
    """
    whole = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(whole)
        port = parts.port  # raises for one that is no number
        (parts.hostname or "").encode("idna")  # raises for a name with a part that is empty or too long
    except ValueError as error:
        bare = _is_bare_ipv6(text.strip())
        remedy = f"An IPv6 address stands in brackets: http://[{text.strip()}]:8080." if bare else WANTED
        raise UsageError(f"{text[:80]!r} is no address of a service", remedy) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"{text!r} is no address of a service", WANTED)
    if parts.username is not None or parts.query or parts.fragment or any(c.isspace() for c in whole):
        raise UsageError(
            f"the address {parts.hostname!r} comes with a user name, a question mark, # or a space", WANTED
        )
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _is_bare_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """True for this machine's own address, with which a proxy of the environment has no business."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
