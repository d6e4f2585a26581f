"""How a job store of our own is configured: embedded by the command, or in its container."""

from pathlib import Path

# Durability over speed: a job is accepted only once it is on disk, and we need ten writes a second.
# A stream's node is allocated whole: at the default of 4096 bytes one event costs a job 4.3 kB. A hash with
# one value longer than the default of 64 bytes becomes a table of three times the size.
_CONFIGURATION = """\
bind {host}
port {port}
protected-mode yes
requirepass {password}
dir {folder}
appendonly yes
appendfsync always
aof-use-rdb-preamble yes
aof-load-truncated yes
no-appendfsync-on-rewrite no
auto-aof-rewrite-min-size 64mb
save 3600 1
stop-writes-on-bgsave-error no
maxmemory 512mb
maxmemory-policy noeviction
stream-node-max-bytes 512
hash-max-listpack-value 2048
tcp-keepalive 60
timeout 0
daemonize no
"""


def store_configuration(*, host: str, port: int, password: str, folder: Path) -> str:
    """The configuration file of a Valkey or Redis that keeps its log in `folder`; holds the password."""
    return _CONFIGURATION.format(host=host, port=port, password=password, folder=_quoted(str(folder)))


def _quoted(text: str) -> str:
    """`text` as one word of the server's configuration language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
