"""Options that stand for fields of a request: all fields, and errors by the options' own names."""

import json
from typing import cast, get_args

import pytest
from pydantic import BaseModel

from services.api.job_routes import AdapterQuery, JobsQuery, ReportQuery
from services.api.queue_routes import MoveRequest
from services.api.removal_routes import PruneRequest
from services.cli.__main__ import command_parser
from services.cli.command_parser import CommandParser
from services.cli.failure import RequestRefused
from services.cli.request_options import RequestOptions, plan
from services.cli.request_options import options_of as options_of_kind
from shared.errors import FieldError
from shared.messages.message import say
from shared.messages.render import in_english
from shared.schemas.fields import JobKind
from shared.schemas.hyperparameters import ExplicitPlan
from shared.schemas.requests import JobRequest

COMMANDS = command_parser().commands
REQUESTS: dict[str, type[BaseModel]] = {
    schema.model_fields["kind"].default: schema for schema in get_args(get_args(JobRequest)[0])
}
# What the other requests and queries take, and the command that asks for it.
OTHERS: dict[type[BaseModel], str] = {
    MoveRequest: "move",
    PruneRequest: "prune",
    JobsQuery: "jobs",
    AdapterQuery: "download",
    ReportQuery: "report",
}
# Fields with an option of another name, and those without, with the reason.
OTHERWISE: dict[tuple[str, str], str | None] = {
    ("move", "to"): "--first",  # and --last
    ("report", "format"): "--html",
    ("jobs", "after"): None,  # pages are the command's affair: --limit or --all
}


def options_of(name: str) -> RequestOptions:
    found = command_parser().commands[name].get_default("options")
    assert isinstance(found, RequestOptions)
    return found


def paths(schema: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= paths(field.annotation, f"{prefix}{name}.")
        elif name != "kind":
            found.add(f"{prefix}{name}")
    return found


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_field_of_every_kind_of_request_has_an_option(kind: JobKind) -> None:
    options = options_of_kind(cast("list[CommandParser]", list(COMMANDS.values())), kind)
    assert options is not None, f"no command submits {kind}"
    assert options.option_of.keys() == paths(REQUESTS[kind])


def test_an_explicit_plan_takes_every_field_of_one() -> None:
    given = {name: str(field.default).lower() for name, field in ExplicitPlan.model_fields.items()}
    asked = plan(",".join(f"{name}={value}" for name, value in given.items()))
    assert ExplicitPlan.model_validate(asked) == ExplicitPlan()


@pytest.mark.parametrize("schema", OTHERS)
def test_every_field_of_the_other_requests_has_an_option(schema: type[BaseModel]) -> None:
    command = OTHERS[schema]
    options = {option for action in COMMANDS[command]._actions for option in action.option_strings}
    for name in schema.model_fields:
        option = OTHERWISE.get((command, name), "--" + name.replace("_", "-"))
        assert option is None or option in options, name
    assert {name for at, name in OTHERWISE if at == command} <= schema.model_fields.keys()


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Choose lora.target_modules from q_proj.", "Choose --lora-target-modules from q_proj."),
        ("Lower hyperparameters.learning_rate (2) or raise warmup_ratio (0).",
         "Lower --learning-rate (2) or raise --warmup-ratio (0)."),
        ("Raise `max_seq_length`.", "Raise --max-seq-length."),
        ("Map them with columns, or give another format.", "Map them with columns, or give another format."),
        ('give `"columns": {"prompt": "prompt", "completion": "my answer"}`',
         "give --column prompt=prompt --column 'completion=my answer'"),
        ('give `"format": "chat", "columns": {"prompt": "q"}` or `"format": "text"`',
         "give --format chat --column prompt=q or --format text"),
        ('choose `"plan": {"tokens_per_micro_batch": 512, "gradient_checkpointing": true}`',
         "choose --plan tokens_per_micro_batch=512,gradient_checkpointing=true"),
        ('write JSON lines, each {"text": "…"}, and {"label": "a"}',
         'write JSON lines, each {"text": "…"}, and {"label": "a"}'),
        ('`instruction` is read as {"from": "human"}', '`instruction` is read as {"from": "human"}'),
        ("leave `model` out", "leave `--model` out"),
        ("the file my_max_seq_length.jsonl", "the file my_max_seq_length.jsonl"),
    ],
)  # fmt: skip
def test_a_server_s_sentence_names_options(said: str, heard: str) -> None:
    assert options_of("train").text(said) == heard


def test_a_refusal_names_options_down_to_the_element() -> None:
    errors = (
        FieldError("hyperparameters.lora.target_modules.0", "is bad"),
        FieldError("training_file", "is required"),
        FieldError("line 3", "has no text"),
    )
    spoken = options_of("train").spoken(RequestRefused(422, "invalid_field", "no", errors=errors))
    assert [error.path for error in spoken.errors] == ["--lora-target-modules", "FILE", "line 3"]


def test_a_wrong_name_of_a_pair_is_told_beside_its_option() -> None:
    training: RequestOptions = command_parser().commands["diagnose"].get_default("of_training")
    message = "settings.max_seq_len is an unknown field. Did you mean max_seq_length?"
    errors = (FieldError("settings.max_seq_len", message),)
    spoken = training.spoken(RequestRefused(422, "invalid_field", "no", errors=errors))
    assert spoken.errors == (
        FieldError("--set", "--set max_seq_len is an unknown field. Did you mean max_seq_length?"),
    )


def test_a_setting_that_must_be_given_is_asked_for_by_the_option() -> None:
    training: RequestOptions = command_parser().commands["diagnose"].get_default("of_training")
    message = in_english(say("settings-ask-length", field="settings.max_seq_length"))
    errors = (FieldError("settings.max_seq_length", message),)
    (spoken,) = training.spoken(RequestRefused(422, "invalid_field", "no", errors=errors)).errors
    assert spoken.message.startswith("--set max_seq_length must be given beside the file")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", '{"r": NaN}'])
def test_a_setting_that_is_no_number_of_json_goes_to_the_server_as_a_word(value: str) -> None:
    asked = command_parser().parse_args(
        ["diagnose", "tiny", "--training", "a", "--set", f"learning_rate={value}"]
    )
    assert asked.settings == [("learning_rate", value)]
    json.dumps(asked.settings, allow_nan=False)


def test_help_breaks_no_option_and_no_model_s_name() -> None:
    told = command_parser().commands["train"].format_help().split("arguments:")[1]
    assert not [line for line in told.splitlines() if line.endswith("-")]
    assert "--max-seq-length:" in told
    assert "default: False" not in told


def test_every_hyperparameter_says_what_it_is_in_the_words_of_options() -> None:
    train = command_parser().commands["train"]
    texts = {a.dest: train._get_formatter()._expand_help(a) for a in train._actions}
    told = {path: text for path, text in texts.items() if path.startswith("hyperparameters.")}
    assert len(told) > 10
    assert [path for path, text in told.items() if text.startswith("default:")] == []
    assert "--epochs" in told["hyperparameters.max_steps"]
