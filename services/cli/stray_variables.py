"""Variables that look like settings of Tunedock and are none, so that a misspelt one is told."""

import difflib
from collections.abc import Iterator, Mapping

from services.cli.compose_settings import COMPOSE_SETTINGS
from services.cli.environment import LAUNCHER_SETTINGS
from shared.messages.message import Message, say
from shared.settings import Settings

PREFIX = "TUNEDOCK_"
_OF_THE_LAUNCHER = "TUNEDOCK_CALLERS_SAFEPATH"  # `./tunedock` hands it to the program it becomes


def stray_variables(environment: Mapping[str, str]) -> Iterator[Message]:
    """A warning for each variable of the prefix that nothing reads, with the setting that was meant."""
    tables = (Settings.settings_table(), COMPOSE_SETTINGS, LAUNCHER_SETTINGS)
    known = sorted({name for table in tables for name, _, _ in table} | {_OF_THE_LAUNCHER})
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX) or name.upper() in known:
            continue
        if close := difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8):
            yield say("variable-no-setting-but-like", variable=name, meant=close[0])
        else:
            yield say("variable-no-setting", variable=name)
