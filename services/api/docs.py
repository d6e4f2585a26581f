"""`/openapi.json`, and `/docs`: the same as a page that needs no script and no internet."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request
from markupsafe import Markup, escape

from services.api.curl_examples import curl_lines
from services.api.metrics import METRICS
from services.api.page_kit.shell import source_of
from services.api.routing import Route
from services.api.schema_words import bounds_of, type_of
from shared.errors import refusals
from shared.messages.render import in_english

_STYLE = (Path(__file__).resolve().parent / "pages" / "docs.css").read_text("utf-8")
POLICY = (
    f"default-src 'none'; style-src {source_of(_STYLE)}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
LOCAL_ADDRESS = "http://127.0.0.1:8080"
# Names and numbers of hosts: what can stand in a line for a shell as it is.
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
ADDRESSES_KEPT = 8


@dataclass(frozen=True)
class Field:
    """Something that is sent or comes back. `note`: whether it must be given, or what it is otherwise."""

    name: str
    type: Markup
    bounds: Markup
    note: str
    default: str | None
    meaning: Markup


@dataclass(frozen=True)
class Operation:
    """One route as the page shows it."""

    name: str
    method: str
    path: Markup
    summary: str
    description: Markup
    lines: tuple[tuple[str, str], ...]
    sent: tuple[Field, ...]
    body: Markup | None
    body_fields: tuple[Field, ...]
    status: str
    answers: Markup
    example: str | None
    refused: tuple[tuple[str, Markup], ...]


def add_docs(app: Flask, document: dict[str, Any], routes_by_group: Mapping[str, Sequence[Route]]) -> None:
    """Serve both pages; they change only with the code and the address that the reader uses."""

    @lru_cache(ADDRESSES_KEPT)
    def document_at(address: str) -> str:
        servers = [{"url": address, "description": "the address that this document was asked at"}]
        return json.dumps({**document, "servers": servers + document["servers"]}, ensure_ascii=False)

    @lru_cache(ADDRESSES_KEPT)
    def page_at(address: str) -> str:
        return render_template(
            "docs.html",
            style=Markup(_STYLE),
            address=address,
            document=document,
            groups=_groups(document, routes_by_group, address),
            objects=_objects(document),
            refusals=[(one.status, one.code, _code(in_english(one.meaning))) for one in refusals()],
            metrics=METRICS,
            code=_code,
        )

    @app.get("/openapi.json", endpoint="openapi", provide_automatic_options=False)
    def _openapi() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response(document_at(_address()), content_type="application/json", headers=headers)

    @app.get("/docs", endpoint="docs", provide_automatic_options=False)
    def _docs() -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(page_at(_address()), content_type="text/html; charset=utf-8", headers=headers)


def _address() -> str:
    """The service's address as the reader's browser or program knows it."""
    host = request.host
    return f"{request.scheme}://{host}" if _HOST.fullmatch(host) else LOCAL_ADDRESS


def _groups(
    document: dict[str, Any], routes_by_group: Mapping[str, Sequence[Route]], address: str
) -> dict[str, list[Operation]]:
    described = {
        operation["operationId"]: (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    linked = _Links(document["components"]["schemas"])
    return {
        group: [_operation(*described[route.name], route, address, linked) for route in routes]
        for group, routes in routes_by_group.items()
    }


def _operation(
    path: str, method: str, operation: dict[str, Any], route: Route, address: str, linked: "_Links"
) -> Operation:
    body, body_fields = _body(operation, linked)
    status, answer = next(iter(operation["responses"].items()))
    types = [
        f"{kind}, {type_of(one['schema'])}" if one["schema"] else kind
        for kind, one in answer["content"].items()
    ]
    example = next(iter(answer["content"].values())).get("example")
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=_breakable(path),
        summary=operation["summary"],
        description=_code(operation.get("description", "")),
        lines=tuple(curl_lines(route, address)),
        sent=tuple(
            _field(
                one["name"],
                {**one["schema"], "description": one.get("description", "")},
                is_needed=bool(one.get("required")),
                linked=linked,
            )
            for one in operation["parameters"]
        ),
        body=body,
        body_fields=body_fields,
        status=f"{status} {answer['description']}",
        answers=linked(" or ".join(types)),
        example=None if example is None else json.dumps(example, ensure_ascii=False, indent=2),
        refused=tuple(
            (code, _code(one["description"])) for code, one in list(operation["responses"].items())[1:]
        ),
    )


def _body(operation: dict[str, Any], linked: "_Links") -> tuple[Markup | None, tuple[Field, ...]]:
    """(what a body is, its fields where no object of its own has them)."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if "properties" in schema:
            return Markup(escape(kind)), tuple(_fields(schema, linked))
        return linked(f"{kind}, {type_of(schema)}"), ()
    return None, ()


def _objects(document: dict[str, Any]) -> dict[str, tuple[Markup, tuple[Field, ...]]]:
    schemas = document["components"]["schemas"]
    linked = _Links(schemas)
    return {
        name: (_code(schema.get("description", "")), tuple(_fields(schema, linked)))
        for name, schema in sorted(schemas.items())
    }


def _fields(schema: dict[str, Any], linked: "_Links") -> Iterator[Field]:
    needed = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield _field(name, field, is_needed=name in needed, linked=linked)


def _field(name: str, schema: dict[str, Any], *, is_needed: bool, linked: "_Links") -> Field:
    default = schema.get("default")
    if default in ({}, []) or "$ref" in schema:
        default = None  # that of an object is said where its fields are
    return Field(
        name=name,
        type=linked(type_of(schema)),
        bounds=_code(", ".join(bounds_of(schema))),
        note="required" if is_needed else "",
        default=None if is_needed or default is None else json.dumps(default, ensure_ascii=False),
        meaning=_code(schema.get("description", "")),
    )


class _Links:
    """Makes names of objects in a text lead to where the page has them."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        names = sorted(schemas, key=len, reverse=True)
        self._names = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")

    def __call__(self, text: str) -> Markup:
        parts = self._names.split(text)
        return Markup("").join(
            Markup('<a href="#schema-{0}">{0}</a>').format(part) if number % 2 else escape(part)
            for number, part in enumerate(parts)
        )


def _code(text: str) -> Markup:
    """What stands between backticks as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(str(text).split("`"))
    )


def _breakable(path: str) -> Markup:
    """A path that may go on in the next line after a slash, and nowhere else."""
    return Markup("/<wbr>").join(path.split("/"))
