"""Options of a command that stand for fields of a request; what is wrong is told by their names."""

import argparse
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.cli.command_parser import CommandParser, WrongValue, meant, no_such_word
from services.cli.failure import RequestRefused, UsageError
from services.cli.options import number, pair, readable_file, whole_number
from shared.errors import FieldError
from shared.field_errors import invalid_field
from shared.field_values import reworded
from shared.messages.message import Message, read_stored, say, stored
from shared.schemas.fields import Columns, JobKind
from shared.schemas.requests import JobRequest
from shared.settings import Settings

PLACEHOLDER_FILE = "file-0"  # stands for a file until it is uploaded, so that wrong options cost no upload
FILE_FIELDS = frozenset({"training_file", "validation_file", "file"})
# Fields whose options are called otherwise; each of the others is its own path, without `hyperparameters.`.
OTHER_WORDS = {"hyperparameters.n_epochs": "epochs", "hyperparameters.global_batch_size": "batch-size"}
# The names by which a command keeps its options; one that submits jobs of two kinds has both.
OPTIONS, OF_TRAINING = "options", "of_training"
PLAN_WORDS = ("auto", "baseline")
_DASHES = str.maketrans("._", "--")
COLUMN_FIELDS: tuple[str, ...] = get_args(get_args(get_args(Columns)[0])[0])
_REQUEST: TypeAdapter[Any] = TypeAdapter(JobRequest)


class RequestOptions:
    """The options of `command`, whose request is of `kind`; arguments carry values by the field's path."""

    def __init__(self, command: CommandParser, kind: JobKind) -> None:
        self.kind = kind
        self.option_of: dict[str, str] = {}
        command.words.append(self.text)
        command.set_defaults(**{OPTIONS: self})

    def add(self, group: argparse._ActionsContainer, option: str, path: str, **details: Any) -> None:
        """An option (or, without dashes, an argument) for the field at `path`."""
        if option.startswith("-"):
            group.add_argument(option, dest=path, default=None, **details)
        else:
            group.add_argument(path, metavar=option, default=None, **details)
        self.option_of[path] = option

    def request(self, arguments: argparse.Namespace) -> dict[str, Any]:
        """The request that the given options stand for; files by a placeholder."""
        request: dict[str, Any] = {"kind": self.kind}
        for path in self.option_of:
            value = getattr(arguments, path)
            if value is None:
                continue
            *outer, last = path.split(".")
            place = request
            for name in outer:
                place = place.setdefault(name, {})
            place[last] = _plain(value)
        return request

    def files(self, arguments: argparse.Namespace) -> dict[str, Path]:
        """Files to upload, by the field that will name them."""
        values = {path: getattr(arguments, path) for path in self.option_of}
        return {path: value for path, value in values.items() if isinstance(value, Path)}

    def require(self, request: dict[str, Any]) -> None:
        """Raise `UsageError` for options no server would take, before anything is sent."""
        try:
            _REQUEST.validate_python(request)
        except ValidationError as error:
            refused = invalid_field(error, request, _REQUEST.json_schema())
            raise UsageError(say("options-refused-row"), errors=self._errors(refused.errors)) from error

    def spoken(self, refused: RequestRefused) -> RequestRefused:
        """A server's refusal, by the names of the options."""
        return RequestRefused(
            refused.status, refused.code, self.text(refused.message), errors=self._errors(refused.errors)
        )

    def text(self, sentence: str) -> str:
        """A sentence of the server, fields in it by their options; plain words like model stay."""
        sentence = reworded(sentence, _as_options)
        for name in self.option_of.keys() - {"instruction"}:  # which rows have, too
            sentence = sentence.replace(f"`{name}`", f"`{self.option_of[name]}`")
        for path in sorted(self.option_of, key=len, reverse=True):
            names = [path, path.removeprefix("hyperparameters.")]
            for name in names:
                if re.search("[._]", name):
                    sentence = re.sub(
                        rf"(?<![\w.`/-])(`?){re.escape(name)}\1(?![\w/]|\.\w)", self.option_of[path], sentence
                    )
        return sentence

    def _errors(self, errors: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
        return tuple(
            FieldError(place := self._place(error.path), self.text(_placed(error, place))) for error in errors
        )

    def _place(self, path: str) -> str:
        """The option for a field or for what encloses it."""
        known = [one for one in self.option_of if path == one or path.startswith(f"{one}.")]
        return self.option_of[max(known, key=len)] if known else path


def options_of(commands: Iterable[CommandParser], kind: JobKind) -> RequestOptions | None:
    """Those of the command that submits jobs of this kind."""
    every = (command.get_default(name) for command in commands for name in (OPTIONS, OF_TRAINING))
    return next((one for one in every if isinstance(one, RequestOptions) and one.kind == kind), None)


def words_of(arguments: argparse.Namespace, kind: JobKind) -> Callable[[str], str]:
    """How the command that submits jobs of this kind calls a request's fields."""
    options = options_of(arguments.parser.commands.values(), kind)
    return options.text if options else str


def _placed(error: FieldError, place: str) -> str:
    """The sentence, which begins with the field's name where the field is at fault.

    Of an option that takes NAME=VALUE the name stays: `--set max_seq_len`, `--column text`.
    """
    if not error.path or not re.match(rf"{re.escape(error.path)}(?=[ .])", error.message):
        return error.message
    name = error.path.rpartition(".")[2] if place in ("--set", "--column") and "." in error.path else ""
    return " ".join(filter(None, (place, name))) + error.message[len(error.path) :]


def add_file(
    options: RequestOptions, command: argparse._ActionsContainer, name: str, path: str, what: Message
) -> None:
    """A file to upload, as an option or as the argument FILE."""
    if name.startswith("-"):
        options.add(command, name, path, type=readable_file, metavar="FILE", help=stored(what))
    else:
        options.add(command, name, path, nargs="?", type=readable_file, help=stored(what))


def add_model(options: RequestOptions, command: argparse.ArgumentParser) -> None:
    default = str(Settings.model_fields["default_model"].default)
    told = stored(say("help-model-row", model=default))
    options.add(command, "--model", "model", metavar="MODEL", help=told)


def add_columns(options: RequestOptions, command: argparse._ActionsContainer) -> None:
    options.add(
        command, "--column", "columns", action="append", type=_column, metavar="FIELD=NAME",
        help=stored(say("help-columns-row", field_choices=COLUMN_FIELDS)),
    )  # fmt: skip


def add_metadata(options: RequestOptions, command: argparse.ArgumentParser) -> None:
    options.add(
        command, "--metadata", "metadata", action="append", type=pair, metavar="NAME=TEXT",
        help=stored(say("help-metadata-row")),
    )  # fmt: skip


def add_order(options: RequestOptions, command: argparse.ArgumentParser) -> None:
    """When the job is to start: its priority, and the jobs before it."""
    options.add(
        command, "--priority", "priority", type=whole_number, metavar="N",
        help=stored(say("help-priority-row")),
    )  # fmt: skip
    options.add(
        command, "--after", "after", type=lambda text: text.split(","), metavar="ID,…",
        help=stored(say("help-after-row")),
    )  # fmt: skip


def add_webhook(options: RequestOptions, command: argparse.ArgumentParser) -> None:
    options.add(command, "--webhook", "webhook", metavar="URL", help=stored(say("help-webhook-row")))


def add_schema(
    options: RequestOptions, group: argparse._ActionsContainer, schema: type[BaseModel], prefix: str = ""
) -> None:
    """An option for every field of `schema` that has none yet, called and read as the field is."""
    for name, field in schema.model_fields.items():
        path = f"{prefix}{name}"
        if path in options.option_of or name == "kind":
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            add_schema(options, group, field.annotation, f"{path}.")
        else:
            options.add(group, _option(path), path, help=_told(field), **_reading(field.annotation))


def _option(path: str) -> str:
    return "--" + OTHER_WORDS.get(path, path.removeprefix("hyperparameters.")).translate(_DASHES)


def _reading(annotation: Any) -> dict[str, Any]:
    """How argparse reads a value of this type."""
    kinds = _kinds(annotation)
    words = [kind for kind in kinds if isinstance(kind, str)]
    if list in kinds:
        return {"type": lambda text: text if text in words else text.split(","), "metavar": "X,…"}
    if words:
        return {"choices": words}
    if bool in kinds:
        return {"action": argparse.BooleanOptionalAction}
    for kind, read in ((int, whole_number), (float, number)):
        if kind in kinds:
            return {"type": read, "metavar": "X"}
    return {"metavar": "TEXT"}


def _kinds(annotation: Any) -> list[Any]:
    """The plain types and the words that an annotation allows."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kinds(inner[0])
    if origin is Literal:
        return list(inner)
    if origin in (Union, UnionType):
        return [kind for part in inner for kind in _kinds(part)]
    return [origin or annotation]


def _told(field: FieldInfo) -> str | None:
    """What a field means, and what it is where it is not given."""
    if field.default in (None, PydanticUndefined) or field.default is False:
        return field.description
    default = str(field.default)
    if field.description is None:
        return stored(say("help-default-row", default=default))
    return stored(say("help-and-default-row", help=read_stored(field.description), default=default))


def plan(text: str) -> str | dict[str, Any]:
    """`auto`, `baseline`, or an explicit plan as pairs."""
    if text in PLAN_WORDS:
        return text
    if "=" in text:
        return dict(map(pair, text.split(",")))
    raise WrongValue(say("plan-wanted", seen=repr(text)), *meant(text, PLAN_WORDS))


def _as_options(fields: Mapping[str, Any]) -> str:
    """Fields of a request that a message carries, as options."""
    words = [f"--format {fields['format']}"] if "format" in fields else []
    words += [
        f"--column {shlex.quote(f'{field}={name}')}" for field, name in fields.get("columns", {}).items()
    ]
    if plan := fields.get("plan"):
        words.append("--plan " + ",".join(f"{name}={json.dumps(value)}" for name, value in plan.items()))
    return " ".join(words)


def _column(text: str) -> tuple[str, str]:
    field, name = pair(text)
    if field not in COLUMN_FIELDS:
        raise WrongValue(*no_such_word(field, COLUMN_FIELDS))
    return field, name


def _plain(value: Any) -> Any:
    """As the request has it: pairs as an object, a file by its placeholder."""
    if isinstance(value, Path):
        return PLACEHOLDER_FILE
    return dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value
