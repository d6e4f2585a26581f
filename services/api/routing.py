"""The table of routes: what each takes and answers, typed. Binding it serves it; openapi.py describes it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPMethod
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected

from services.api.service import Service
from shared.errors import InvalidField, MalformedRequest, Refusal
from shared.field_errors import invalid_field
from shared.messages.message import Message, say
from shared.schemas.frozen import Frozen

Answer = BaseModel | Response
EXACT_BELOW = 2**53  # whole numbers that a float can tell apart
MOST_LEVELS = 32  # of lists and objects in each other; requests need six
MOST_DIGITS = 1000
MOST_SHOWN_CHARACTERS = 80
Query = TypeVar("Query", bound=BaseModel)


class NoQuery(Frozen):
    """A route without query parameters."""


@dataclass(frozen=True)
class Route:
    """One method of one page. `path` is a Flask rule; its parts become arguments of `view`.

    `view` is called with the service, the path's parts, and `query` and `body` where the route has them; it
    returns a model, sent as JSON with `status`, or a response as it is. `other_answers`: content types it has
    on demand. `is_repeatable`: it takes an Idempotency-Key. `is_stream`: it sends live events, after
    Last-Event-ID.
    """

    method: HTTPMethod
    path: str
    view: Callable[..., Answer]
    summary: str
    answer: type[BaseModel] | str = "application/json"
    other_answers: tuple[str, ...] = ()
    status: int = 200
    query: type[BaseModel] = NoQuery
    body: Any = None
    is_upload: bool = False
    is_public: bool = False
    is_repeatable: bool = False
    is_stream: bool = False
    refusals: tuple[type[Refusal], ...] = ()

    @property
    def name(self) -> str:
        return self.view.__name__


def bind(app: Flask, service: Service, routes: tuple[Route, ...]) -> None:
    """Serve every route of the table."""
    for route in routes:
        app.add_url_rule(
            route.path,
            endpoint=f"{route.method} {route.path}",
            view_func=_endpoint(service, route),
            methods=[route.method],
            provide_automatic_options=False,
        )


def _endpoint(service: Service, route: Route) -> Callable[..., Response]:
    body_type: TypeAdapter[Any] | None = TypeAdapter(route.body) if route.body else None

    def endpoint(**path_parts: str) -> Response:
        arguments: dict[str, Any] = dict(path_parts)
        query = parse_query(route.query, request.args)
        if route.query is not NoQuery:
            arguments["query"] = query
        if body_type:
            arguments["body"] = parse_body(body_type)
        answer = route.view(service, **arguments)
        if isinstance(answer, Response):
            return answer
        return json_response(answer, route.status)

    return endpoint


def json_response(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status=status, content_type="application/json")


def parse_query(model: type[Query], arguments: MultiDict[str, str]) -> Query:
    """Query parameters as a model; `metadata[key]=value` becomes a mapping. Raises `InvalidField`."""
    fields: dict[str, Any] = {}
    for name, values in arguments.lists():
        if len(values) > 1:
            raise InvalidField(say("query-parameter-repeated", name=name, times=len(values)), param=name)
        if not name:
            raise InvalidField(say("query-parameter-unnamed"))
        bracketed = re.fullmatch(r"(\w+)\[(.*)\]", name, re.DOTALL)
        field = bracketed[1] if bracketed else name
        if field in fields and not (bracketed and isinstance(fields[field], dict)):
            raise InvalidField(say("query-parameter-two-ways", name=field), param=field)
        if bracketed:
            fields.setdefault(field, {})[bracketed[2]] = values[0]
        else:
            fields[field] = values[0]
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise invalid_field(error, fields, _query_schema(model)) from None


def parse_body(body_type: TypeAdapter[Any]) -> Any:
    """The request's JSON body as its type: "3" and true are no numbers, 3.0 is a whole one.

    Raises `MalformedRequest` and `InvalidField`.
    """
    value = _with_whole_numbers(json_body())
    try:
        return body_type.validate_python(value, strict=True)
    except ValidationError as error:
        raise invalid_field(error, value, _body_schema(body_type)) from None


@cache
def _query_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


@cache
def _body_schema(body_type: TypeAdapter[Any]) -> dict[str, Any]:
    return body_type.json_schema()


def _with_whole_numbers(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is as good as 3."""
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    is_whole = isinstance(value, float) and abs(value) < EXACT_BELOW and value.is_integer()
    return int(value) if is_whole else value


def json_body() -> Any:
    """The request's JSON, read strictly: UTF-8, no key twice, no NaN. Raises `MalformedRequest`."""
    if request.mimetype != "application/json":
        raise MalformedRequest(_wrong_type(request.mimetype[:MOST_SHOWN_CHARACTERS]))
    if encoding := request.headers.get("Content-Encoding"):
        raise MalformedRequest(say("body-is-encoded", encoding=encoding[:MOST_SHOWN_CHARACTERS]))
    try:
        with reading_body():
            text = request.get_data(cache=True).decode("utf-8-sig")  # some programs mark UTF-8 as such
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_int=_whole_number
        )
        _check_levels(value)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise MalformedRequest(say("body-is-not-utf8", error=error.reason)) from None
    except RecursionError:
        raise MalformedRequest(say("body-nested-too-deeply", levels=MOST_LEVELS)) from None
    except ValueError as error:
        raise MalformedRequest(say("body-is-not-json", error=str(error))) from None
    return value


@contextmanager
def reading_body() -> Iterator[None]:
    """A body that stops arriving, or is framed wrongly, is the sender's fault; a fault of our disk is not."""
    try:
        yield
    except (TimeoutError, ClientDisconnected):
        raise MalformedRequest(say("body-stopped")) from None
    except OSError as error:
        if error.errno is not None and not isinstance(error, ConnectionError):
            raise
        raise MalformedRequest(say("connection-broke-off")) from None


def _wrong_type(seen: str) -> Message:
    return say("body-has-other-type", type=seen) if seen else say("body-has-no-type")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedRequest(say("body-has-key-twice", key=twice[:60]))
    return found


def _check_levels(value: Any) -> None:
    """Raises `RecursionError` long before Python would: what comes after goes into every level, too."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [item for outer in level for item in _inside(outer)]
        if not level:
            return
    raise RecursionError


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole_number(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise MalformedRequest(say("body-has-long-number", digits=len(text), most=MOST_DIGITS))
    return int(text)


def _no_constant(text: str) -> Any:
    raise MalformedRequest(say("body-has-no-number", text=text))
