"""Gather the doctor's facts, once."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from services.cli.address import api_url
from services.cli.doctor.ask_card import ask_card
from services.cli.doctor.ask_engine import ask_engine, running_compose_files
from services.cli.doctor.ask_folders import ask_data_use, describe_folders, find_cache
from services.cli.doctor.ask_machine import in_container, is_wsl, kernel_release, memory_bytes, read_power
from services.cli.doctor.ask_service import ask_api, ask_key, ask_webhooks, read_worker_state
from services.cli.doctor.ask_store import ask_store
from services.cli.doctor.compose_env import read_compose
from services.cli.doctor.facts import ApiFacts, ComposeFacts, Facts
from services.cli.stack_state import StackState, running_stack
from shared.settings import PROJECT_ROOT, Settings


def gather(
    settings: Settings, environment: Mapping[str, str], root: Path = Path("/"), checkout: Path = PROJECT_ROOT
) -> Facts:
    """Facts about this installation and machine.

    `root` is another machine's recorded /proc, /sys and /dev, `checkout` has compose files and .env.

    Changes nothing and raises nothing; each question to a program or a server ends within seconds.
    """
    kernel = kernel_release(root)
    wsl, container = is_wsl(kernel), in_container(root)
    stack = _running_stack(settings)
    engine = ask_engine(environment)
    running = running_compose_files(checkout, environment) if engine.version else ()
    compose = read_compose(checkout, environment, running)
    api = _ask_api(settings, stack, None if container else compose)
    worker = read_worker_state(settings)
    cache = find_cache(settings, environment, worker)
    return Facts(
        kernel=kernel,
        wsl=wsl,
        container=container,
        stack_here=stack is not None,
        memory_bytes=memory_bytes(root),
        wanted_device=settings.device,
        default_model=settings.default_model,
        min_free_bytes=settings.min_free_bytes,
        data_dir=str(settings.data_dir),
        store=ask_store(settings, stack),
        api=api,
        key=ask_key(settings, api),
        webhooks=ask_webhooks(settings, api),
        worker=worker,
        card=ask_card(root, environment, wsl=wsl, container=container),
        engine=engine,
        compose=compose,
        folders=describe_folders(settings, cache, worker, root),
        data_use=ask_data_use(settings),
        cache=cache,
        power=read_power(root),
    )


def _ask_api(settings: Settings, stack: StackState | None, compose: ComposeFacts | None) -> ApiFacts:
    """The API that runs on this data folder, else in containers, else where the settings say."""
    if stack:
        return ask_api(stack.url)
    addresses = [compose.api_url] if compose and (compose.dotenv or compose.running) else []
    if api_url(settings) not in addresses:
        addresses.append(api_url(settings))
    asked = []
    for address in addresses:
        asked.append(ask_api(address))
        if asked[-1].answers:
            return asked[-1]
    return asked[0]


def _running_stack(settings: Settings) -> StackState | None:
    with suppress(OSError):  # a data folder of somebody else's
        return running_stack(settings.data_dir)
    return None
