"""Which service the commands talk to: one that is named, else the one of this installation."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.cli.failure import UsageError
from services.cli.stack_state import running_stack
from shared.messages.message import Message, say
from shared.settings import Settings

WANTED = say("give-address-like")
START = say("start-it-row")
LOOPBACK = {4: ("127.0.0.1",), 6: ("[::1]", "127.0.0.1")}  # what listens on :: listens on both, as a rule


@dataclass(frozen=True)
class Address:
    """`urls` are tried in turn; `remedy` says what to do when none answers. Keys of this installation are
    for services that are its own."""

    urls: tuple[str, ...]
    is_own: bool
    remedy: Message


def address(settings: Settings) -> Address:
    """Of the service that the settings mean. Raises `UsageError` for an address that is none."""
    stack = running_stack(settings.data_dir)
    own = api_urls(settings)
    if settings.server is not None:
        url = server_url(settings.server)
        return Address(
            (url,),
            is_own=url in (*own, stack.url if stack else ""),
            remedy=say("check-named-server"),
        )
    named = sorted(settings.model_fields_set & {"api_host", "api_port"})
    if stack and (not named or stack.url in own):
        return Address((stack.url,), is_own=True, remedy=START)
    if stack:
        variables = [f"TUNEDOCK_{name.upper()}" for name in named]
        remedy = say(
            "other-address-named",
            variables=variables,
            count=len(variables),
            folder=settings.data_dir,
            address=stack.url,
        )
        return Address(own, is_own=True, remedy=remedy)
    return Address(own, is_own=True, remedy=START)


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
        remedy = say("ipv6-in-brackets", address=text.strip()) if bare else WANTED
        raise UsageError(say("address-is-none", address=repr(text[:80])), remedy) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(say("address-is-none", address=repr(text)), WANTED)
    if parts.username is not None or parts.query or parts.fragment or any(c.isspace() for c in whole):
        raise UsageError(say("address-with-more", host=parts.hostname), WANTED)
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
