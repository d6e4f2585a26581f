"""The OpenAPI 3.1 document, made from the table of routes and the models it names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from services.api import request_examples
from services.api.answer_examples import ANSWERS
from services.api.errors import MEDIA_TYPE, problem_fields
from services.api.event_routes import EVENT_STREAM
from services.api.file_routes import ANCHOR, LONGEST_SECONDS, PURPOSES, SECONDS, SHORTEST_SECONDS
from services.api.openai_statuses import status_on
from services.api.request_examples import named
from services.api.routing import Route
from services.api.webhooks.reference import REFERENCE
from shared.errors import (
    DiskUnreadable,
    InvalidField,
    MalformedRequest,
    NotFound,
    Refusal,
    StoreUnavailable,
    Unauthorized,
)
from shared.messages.catalog import DEFAULT_LANGUAGE
from shared.messages.render import in_english, shown
from shared.version import VERSION

REF = "#/components/schemas/{model}"
Json = dict[str, Any]


def openapi_document(routes_by_group: Mapping[str, Sequence[Route]]) -> Json:
    """The whole document as JSON values."""
    routes = [route for routes in routes_by_group.values() for route in routes]
    inline, definitions = _schemas(routes)
    paths: Json = {}
    for group, members in routes_by_group.items():
        for route in members:
            operation = _operation(route, group, inline)
            paths.setdefault(_path(route.path), {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tunedock",
            "version": VERSION,
            "description": "Fine-tuning and load diagnosis of language models, one job at a time.",
        },
        "servers": [{"url": "/", "description": "the server that this document came from"}],
        "tags": [{"name": group} for group in routes_by_group],
        "paths": paths,
        "webhooks": REFERENCE,
        "components": {
            "schemas": {**definitions, "Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


# The server itself answers these, before it knows the page.
UNREAD = {
    408: "`malformed_request`: the headers of the request did not arrive in time",
    414: "`malformed_request`: the request's line is too long",
    431: "`malformed_request`: a header is too long, or there are too many",
}

PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457 problem details, and the member `error` that OpenAI's clients read.",
    "additionalProperties": False,
    "required": ["type", "title", "status", "detail", "code", "request_id", "errors", "error"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "error": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        },
    },
}


def _schemas(routes: Iterable[Route]) -> tuple[Mapping[tuple[Any, JsonSchemaMode], Any], Json]:
    """(schema of each body and answer, definitions they share)."""
    wanted: dict[tuple[Any, JsonSchemaMode], TypeAdapter[Any]] = {}
    for route in routes:
        for type_, mode in _types(route):
            wanted.setdefault((_key(type_), mode), TypeAdapter(type_))
    inputs = [(key, mode, adapter) for (key, mode), adapter in wanted.items()]
    inline, rest = TypeAdapter.json_schemas(inputs, ref_template=REF)
    told = {key: _in_english(schema) for key, schema in inline.items()}
    return told, _in_english(rest.get("$defs", {}))


def _in_english(schema: Any) -> Any:
    """A schema whose fields describe themselves in English; they have stored messages."""
    if isinstance(schema, list):
        return [_in_english(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: shown(value, DEFAULT_LANGUAGE)
        if name == "description" and isinstance(value, str)
        else _in_english(value)
        for name, value in schema.items()
    }


def _types(route: Route) -> Iterable[tuple[Any, JsonSchemaMode]]:
    if route.body is not None:
        yield route.body, "validation"
    if not isinstance(route.answer, str):
        yield route.answer, "serialization"


def _key(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else str(type_)


def _operation(route: Route, group: str, inline: Mapping[tuple[Any, JsonSchemaMode], Any]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "tags": [group],
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, inline),
        "security": [] if route.is_public else [{"key": []}],
    }
    if route.view.__doc__:
        operation["description"] = " ".join(route.view.__doc__.split())
    if route.is_upload:
        form = {"schema": UPLOAD, "examples": named(request_examples.UPLOAD)}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": form}}
    if route.body is not None:
        schema = inline[_key(route.body), "validation"]
        body = {"schema": schema, "examples": named(request_examples.BODIES[route.name])}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    return operation


STREAM: Json = {
    "type": "string",
    "description": "Server-Sent Events. `message` and `metrics` have an `id`, and in `data` the event as "
    "JSON, with `job_id`. `gap`: events after `after` are kept nowhere any more. `end`: the job has ended.",
}

UPLOAD: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["file", "purpose"],
    "dependentRequired": {ANCHOR: [SECONDS], SECONDS: [ANCHOR]},
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1},
        "purpose": {"enum": list(PURPOSES)},
        ANCHOR: {"const": "created_at"},
        SECONDS: {"type": "integer", "minimum": SHORTEST_SECONDS, "maximum": LONGEST_SECONDS},
    },
}


def _responses(route: Route, inline: Mapping[tuple[Any, JsonSchemaMode], Any]) -> Json:
    if isinstance(route.answer, str):
        schema: Json = {} if route.answer != "application/json" else {"type": "object"}
        content = {route.answer: {"schema": schema}}
    else:
        content = {"application/json": {"schema": inline[_key(route.answer), "serialization"]}}
        if route.name in ANSWERS:
            content["application/json"]["example"] = ANSWERS[route.name]
    content |= {type_: {"schema": {"type": "string"}} for type_ in route.other_answers}
    if route.is_stream:
        content[EVENT_STREAM] = {"schema": STREAM}
    answers: Json = {str(route.status): {"description": HTTPStatus(route.status).phrase, "content": content}}
    if route.is_stream and "<job_id>" in route.path:
        answers["204"] = {
            "description": "of a stream that is over: Last-Event-ID was the last event",
            "content": {},
        }
    by_status: dict[int, list[type[Refusal]]] = {}
    for refusal in dict.fromkeys([*_refusals_anywhere(route), *route.refusals]):
        by_status.setdefault(status_on(route.path, refusal.status), []).append(refusal)
    refused = {status: _refused(refusals, status) for status, refusals in by_status.items()}
    refused |= {status: _unread(text, status) for status, text in UNREAD.items()}
    return answers | {str(status): refused[status] for status in sorted(refused)}


def _refusals_anywhere(route: Route) -> Iterable[type[Refusal]]:
    """What needs no saying in the table: it follows from what a route takes. None takes any query."""
    yield from (MalformedRequest, InvalidField)
    if not route.is_public:
        yield from (Unauthorized, StoreUnavailable)
    if route.method == "GET" and not route.is_public:
        yield DiskUnreadable
    if "after" in route.query.model_fields:
        yield NotFound


def _refused(refusals: Sequence[type[Refusal]], status: int) -> Json:
    meanings = "; ".join(f"`{refusal.code}`: {in_english(refusal.meaning)}" for refusal in refusals)
    examples = {one.code: _problem(one, in_english(one.meaning), status) for one in refusals}
    return _described(meanings, examples)


def _unread(text: str, status: int) -> Json:
    code = MalformedRequest.code
    return _described(text, {code: _problem(MalformedRequest, text.removeprefix(f"`{code}`: "), status)})


def _problem(refusal: type[Refusal], detail: str, status: int) -> Json:
    """A refusal as it is answered."""
    example = refusal(detail)
    example.status = status
    return problem_fields(example, "req_5f2c1b7a9d3e4086a1c2b3d4")


def _described(text: str, examples: Mapping[str, Json]) -> Json:
    shown = {name: {"value": value} for name, value in examples.items()}
    content = {"schema": {"$ref": REF.format(model="Problem")}, "examples": shown}
    return {"description": text, "content": {MEDIA_TYPE: content}}


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _path_parameters(route: Route) -> list[Json]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Route) -> list[Json]:
    schemas = _fields(route.query)
    return [
        {
            "name": name,
            "in": "query",
            "required": field.is_required(),
            "description": shown(field.description or "", DEFAULT_LANGUAGE),
            "schema": schemas[name],
            **({"style": "deepObject"} if name == "metadata" else {}),
        }
        for name, field in route.query.model_fields.items()
    ]


def _fields(query: type[BaseModel]) -> Json:
    """The schemas of a query's fields; queries are flat, so nothing is referred to."""
    return {
        name: {key: value for key, value in schema.items() if key not in ("title", "description")}
        for name, schema in query.model_json_schema().get("properties", {}).items()
    }


def _headers(route: Route) -> list[Json]:
    if route.is_stream:
        return [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "of the stream: the id of the last event that arrived; send what is newer",
                "schema": {"type": "string"},
            }
        ]
    if not route.is_repeatable:
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "the same key and body make one job; another body is refused",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
