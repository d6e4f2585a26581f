"""`/openapi.json`, and `/docs`: the same as a page that needs no script and no internet."""

import json
from typing import Any

from flask import Flask, Response, render_template

from services.api.metrics import METRICS
from shared.errors import refusals

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_JSON = '-H "Content-Type: application/json" -d'
EXAMPLES = {
    "upload_file": "-F purpose=fine-tune -F file=@rows.jsonl",
    "create_job": f'{_JSON} \'{{"kind": "fine_tuning", "training_file": "file-…"}}\'',
    "create_fine_tuning_job": f'{_JSON} \'{{"model": "…", "training_file": "file-…"}}\'',
    "get_adapter": "-OJ",
    "get_file_content": "-OJ",
}


def add_docs(app: Flask, document: dict[str, Any]) -> None:
    """Serve both pages; they change only with the code."""
    text = json.dumps(document, ensure_ascii=False)

    @app.get("/openapi.json", endpoint="openapi", provide_automatic_options=False)
    def _openapi() -> Response:
        return Response(text, content_type="application/json", headers={"Cache-Control": "no-cache"})

    @app.get("/docs", endpoint="docs", provide_automatic_options=False)
    def _docs() -> Response:
        page = render_template(
            "docs.html",
            document=document,
            operations=_operations(document),
            schemas=document["components"]["schemas"],
            type_of=type_of,
            examples=EXAMPLES,
            refusals=refusals(),
            metrics=METRICS,
        )
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(page, content_type="text/html; charset=utf-8", headers=headers)


def type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words: `integer, 1 to 4096`, `"auto" or Lora`."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(type_of(option) for option in schema[choice])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return ", ".join([kind if isinstance(kind, str) else " or ".join(kind), *_bounds(schema)])


def _bounds(schema: dict[str, Any]) -> list[str]:
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "pattern": "like {}",
        "maxProperties": "at most {} pairs",
    }
    return [text.format(schema[name]) for name, text in words.items() if name in schema]


def _operations(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group → its operations, each with its method and path."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append({**operation, "method": method.upper(), "path": path})
    return groups
