"""A small server that speaks the model hub's protocol: model info, file tree, files with etags and ranges."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "main"


@dataclass
class Hub:
    """The repositories of one server (name → path → bytes), what was asked of it, and how it misbehaves."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: dict[str, str] = field(default_factory=dict)
    """Repository → the token that may read it."""
    requests: list[tuple[str, str]] = field(default_factory=list)
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ClassVar[Hub]

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None: ...

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        if self.hub.broken:
            self._answer(500, b"")
            return
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if api else parts[:2])
        kind, revision = (parts[4:6] if api else parts[2:4]) if len(parts) > 3 else ("", "")
        files = self.hub.repositories.get(name)
        if files is None:
            self._answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif name in self.hub.gated and self.headers["Authorization"] != f"Bearer {self.hub.gated[name]}":
            self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif revision not in (COMMIT, BRANCH):
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif kind == "resolve":
            self._file(files, "/".join(parts[4:]))
        elif kind == "tree":
            self._json([_tree_entry(path, content) for path, content in files.items()])
        else:
            siblings = [{"rfilename": path} for path in files]
            self._json({"_id": "0", "id": name, "sha": COMMIT, "siblings": siblings, "tags": []})

    def _file(self, files: dict[str, bytes], path: str) -> None:
        if (content := files.get(path)) is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
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
        except ConnectionError:  # the client was killed, which some tests are about
            self.close_connection = True


def _tree_entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content)}
    entry["oid"] = hashlib.sha1(content).hexdigest()
    if path.endswith((".safetensors", ".bin")):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
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
