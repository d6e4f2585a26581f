"""A small server that speaks the model hub's protocol: model info, file tree, files with etags and ranges,
discussions with the revisions that pull requests propose."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "main"


@dataclass
class Proposal:
    """A pull request, with the files of its revision `refs/pr/<number>`."""

    number: int
    author: str
    title: str
    files: dict[str, bytes]

    @property
    def commit(self) -> str:
        return f"{self.number:040x}"


@dataclass
class Hub:
    """The repositories of one server (name → path → bytes), what was asked of it, and how it misbehaves."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: dict[str, str] = field(default_factory=dict)
    """Repository → the token that may read it."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    proposals: dict[str, list[Proposal]] = field(default_factory=dict)
    """Repository → its pull requests."""
    counted: dict[str, dict[str, int]] = field(default_factory=dict)
    """Repository → parameters by dtype, as the hub counts them."""
    without_discussions: bool = False
    delay_seconds: float = 0.0
    """Before each answer."""
    broken: bool = False
    """Answer everything with 500."""
    hold_path: str | None = None
    """Send half of this file, then wait for `release`."""
    half_sent: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""

    def publish(self, name: str, folder: Path, **more: bytes) -> None:
        files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        self.repositories[name] = {**files, **more}

    def downloads(self) -> set[str]:
        """Paths of the files whose content was asked for."""
        return {
            path.split("/resolve/")[1].split("/", 1)[1]
            for verb, path in self.requests
            if verb == "GET" and "/resolve/" in path
        }

    def revision(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Commit and files of a branch, a commit or a pull request."""
        if revision in (COMMIT, BRANCH, ""):
            return COMMIT, self.repositories[name]
        for proposal in self.proposals.get(name, []):
            if revision in (proposal.commit, f"refs/pr/{proposal.number}"):
                return proposal.commit, proposal.files
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ClassVar[Hub]

    def handle(self) -> None:
        with suppress(ConnectionError):  # clients are killed, which some tests are about
            super().handle()

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None: ...

    def _serve(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path)
        self.hub.requests.append((self.command, path))
        self.hub.queries.append(split.query)
        self.hub.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.hub.release.wait(self.hub.delay_seconds)
        if self.hub.broken:
            self._answer(500, b"")
            return
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if api else parts[:2])
        kind, *rest = (parts[4:] if api else parts[2:]) or [""]
        if name not in self.hub.repositories:
            self._answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif name in self.hub.gated and self.headers["Authorization"] != f"Bearer {self.hub.gated[name]}":
            self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif kind == "discussions" and self.hub.without_discussions:
            self._answer(403, b"{}")
        elif kind == "discussions":
            self._discussions(name, parse_qs(split.query))
        else:
            self._revision(name, kind, rest, blobs="blobs" in split.query)

    def _revision(self, name: str, kind: str, rest: list[str], *, blobs: bool) -> None:
        """What is asked of one revision; that of a file or a tree is a commit or a branch, one part."""
        whole = kind == "revision"
        revision = "/".join(rest) if whole else "".join(rest[:1])
        if (found := self.hub.revision(name, revision)) is None:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        commit, files = found
        if kind == "resolve":
            self._file(commit, files, "/".join(rest[1:]))
        elif kind == "tree":
            self._json([_tree_entry(path, content) for path, content in files.items()])
        else:
            info: dict[str, Any] = {"_id": "0", "id": name, "sha": commit, "tags": []}
            info["siblings"] = [_sibling(path, content, blobs) for path, content in files.items()]
            if counted := self.hub.counted.get(name):
                info["safetensors"] = {"parameters": counted, "total": sum(counted.values())}
            self._json(info)

    def _discussions(self, name: str, query: dict[str, list[str]]) -> None:
        wanted = query.get("author", [None])[0]
        found = [
            {
                "num": proposal.number,
                "title": proposal.title,
                "author": {"name": proposal.author},
                "status": "open",
                "isPullRequest": True,
                "createdAt": "2024-01-01T00:00:00.000Z",
                "repo": {"name": name, "type": "model"},
            }
            for proposal in self.hub.proposals.get(name, [])
            if wanted in (None, proposal.author)
        ]
        self._json({"discussions": found, "count": len(found), "start": 0})

    def _file(self, commit: str, files: dict[str, bytes], path: str) -> None:
        if (content := files.get(path)) is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        etag = _sha256(content) if _is_large(path) else _git_name(content)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if self.headers["Range"]:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        held = path == self.hub.hold_path and self.command == "GET" and not self.hub.release.is_set()
        self._answer(206 if self.headers["Range"] else 200, content[start:], headers, held=held)

    def _json(self, content: object) -> None:
        self._answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, held: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            if held:
                self.wfile.write(body[: len(body) // 2])
                self.hub.half_sent.set()
                self.hub.release.wait(60)
                body = body[len(body) // 2 :]
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True


def _is_large(path: str) -> bool:
    """Whether the hub keeps it outside git, as it does with weights."""
    return path.endswith((".safetensors", ".bin"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_name(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _tree_entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content)}
    entry["oid"] = _git_name(content)
    if _is_large(path):
        entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 130}
    return entry


def _sibling(path: str, content: bytes, blobs: bool) -> dict[str, object]:
    if not blobs:
        return {"rfilename": path}
    entry: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": _git_name(content)}
    if _is_large(path):
        entry["lfs"] = {"sha256": _sha256(content), "size": len(content), "pointerSize": 130}
    return entry


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub on a free loopback port, gone when the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
