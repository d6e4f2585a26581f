"""A user's own settings, from their file or given field by field."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from shared.errors import FieldError, InvalidField
from shared.field_errors import invalid_field
from shared.messages.message import say
from shared.training_settings import axolotl, llama_factory, training_arguments
from shared.training_settings.differences import differences
from shared.training_settings.keys import Keys
from shared.training_settings.other_words import in_our_words
from shared.training_settings.outcome import TITLES, ReadSettings, SettingsKind
from shared.training_settings.parse import parse
from shared.training_settings.settings import TrainingSettings
from shared.training_settings.unused import reason_of
from shared.training_settings.words import names

READERS: dict[SettingsKind, Callable[[Keys], None]] = {
    "training_arguments": training_arguments.take,
    "llama_factory": llama_factory.take,
    "axolotl": axolotl.take,
}
# Keys that only one of the tools has, and that nearly every file of it has some of.
MARKS: dict[SettingsKind, frozenset[str]] = {
    "axolotl": frozenset(
        names(
            "base_model micro_batch_size sequence_len num_epochs adapter lora_r lora_target_linear "
            "sample_packing datasets val_set_size optimizer lr_scheduler train_on_inputs pad_to_sequence_len "
            "special_tokens dataset_prepared_path flash_attention evals_per_epoch saves_per_epoch "
            "wandb_project"
        )
    ),
    "llama_factory": frozenset(
        names(
            "finetuning_type stage lora_rank lora_target cutoff_len template dataset_dir quantization_bit "
            "overwrite_cache preprocessing_num_workers plot_loss max_samples train_on_prompt val_size "
            "neat_packing use_reentrant_gc disable_gradient_checkpointing pure_bf16 double_quantization "
            "quantization_type"
        )
    ),
    "training_arguments": frozenset(
        names(
            "optim lr_scheduler_type num_train_epochs per_device_eval_batch_size "
            "gradient_checkpointing_kwargs activation_checkpointing max_length dataset_text_field padding "
            "max_seq_length train_sampling_strategy per_device_train_batch_size bnb_4bit_compute_dtype"
        )
    ),
}
MOST_TOLD = 3


def read_settings(
    text: str,
    *,
    kind: SettingsKind | None = None,
    given: Mapping[str, Any] | None = None,
    field: str = "file",
    given_field: str = "",
    kind_field: str = "kind",
) -> ReadSettings:
    """The settings in the text of a user's file; `given` are fields of `TrainingSettings` that win over it.

    The kind is recognised by the keys unless it is given. Raises `InvalidField`: each of its errors is at the
    file's own key, or at a field that no such file has and that must be given; one about the whole text is at
    `field`, the name that the text has in the request, and fields beside it are members of `given_field`.
    A file of another tool than `kind` says is told once, at `kind_field`.
    """
    content = parse(text, field)
    said, kind = kind, kind or recognise(content, field)
    place = f"{given_field}." if given_field else ""
    keys = Keys(content, TITLES[kind], place)
    READERS[kind](keys)
    keys.finish(reason_of)
    given, words, wrong = in_our_words(given or {})
    _override(keys, given)
    keys.source.update({field: f"{place}{word}" for field, word in words.items()})
    problems = [
        *keys.problems,
        *(FieldError(f"{place}{problem.path}", problem.said) for problem in wrong),
        *(FieldError(f"{place}{name}", message) for name, message in keys.asked.items() if name not in given),
    ]
    if problems and said and (other := _recognised(content)) not in (said, None):
        wrong_kind = say("settings-kind-wrong", kind=said, tool=TITLES[said], seen=TITLES[other])
        raise InvalidField(wrong_kind, param=kind_field, errors=(FieldError(kind_field, wrong_kind),))
    settings = _validated(_nested(keys.values), keys.source, place, problems)
    return ReadSettings(
        kind=kind,
        settings=settings,
        ignored=tuple(keys.ignored),
        assumed=tuple(keys.assumed),
        differs=(*differences(settings), *keys.differs),
    )


def given_settings(given: Mapping[str, Any]) -> ReadSettings:
    """The same without a file: fields of `TrainingSettings`, or other words of the same tools; the common
    recipe stands in for the others.
    """
    given, words, wrong = in_our_words(given)
    settings = _validated(_nested(given), words, "", wrong)
    return ReadSettings(kind=None, settings=settings, differs=differences(settings))


def recognise(content: Mapping[str, Any], field: str = "file") -> SettingsKind:
    """The tool whose marks the keys bear most of. LLaMA-Factory's files have HF's keys, too.

    Raises `InvalidField` where there is no mark, or two tools have as many.
    """
    found = {kind: len(marks & content.keys()) for kind, marks in MARKS.items()}
    if found["llama_factory"] and not found["axolotl"]:
        return "llama_factory"
    best = max(found.values())
    kinds = [kind for kind, count in found.items() if count == best]
    if best == 0 or len(kinds) > 1:
        kinds_known = list(TITLES)
        raise InvalidField(say("settings-kind-unknown", kinds_choices=kinds_known), param=field)
    return kinds[0]


def _recognised(content: Mapping[str, Any]) -> SettingsKind | None:
    """The same; None where the keys don't tell."""
    try:
        return recognise(content)
    except InvalidField:
        return None


def _override(keys: Keys, given: Mapping[str, Any]) -> None:
    """What the user gave beside the file wins, and is then neither assumed nor at a key of the file."""
    for name, value in given.items():
        if name == "lora" and isinstance(value, Mapping):
            _override(keys, {f"lora.{part}": inner for part, inner in value.items()})
            continue
        for field in [one for one in keys.values if one == name or one.startswith(f"{name}.")]:
            keys.drop(field)
        if name == "warmup_steps":
            keys.drop("most_warmup_steps")
        keys.values[name] = value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`lora.r` as the member of an object."""
    whole: dict[str, Any] = {}
    for name, value in values.items():
        outer, _, inner = name.partition(".")
        if inner:
            whole[outer] = {**whole.get(outer, {}), inner: value}
        else:
            whole[outer] = {**value, **whole.get(outer, {})} if isinstance(value, dict) else value
    return whole


def _validated(
    values: Mapping[str, Any], source: Mapping[str, str], place: str, problems: list[FieldError]
) -> TrainingSettings:
    """Raises `InvalidField` with the `problems` that are known and all that is wrong with values.

    A rule over several fields is asked only where each of them is right by itself.
    """
    try:
        settings = TrainingSettings.model_validate(values, strict=True)
    except ValidationError as error:
        schema = TrainingSettings.model_json_schema()
        refused = invalid_field(error, values, schema, named=lambda path: _key_of(path, source, place))
        told = {problem.path for problem in problems}
        if not problems or all(one["loc"] for one in error.errors()):
            problems = [*problems, *(one for one in refused.errors if one.path not in told)]
        raise _refused(problems) from None
    if problems:
        raise _refused(problems)
    return settings


def _key_of(path: str, source: Mapping[str, str], place: str) -> str:
    """The key of the file that the field at `path`, or what encloses it, was read from; else the field."""
    outer = path
    while outer not in source and "." in outer:
        outer = outer.rpartition(".")[0]
    return source.get(outer, f"{place}{path}")


def _refused(problems: list[FieldError]) -> InvalidField:
    told = [problem.said for problem in problems[:MOST_TOLD]]
    if (more := len(problems) - MOST_TOLD) > 0:
        told.append(say("settings-more-wrong", count=more))
    return InvalidField(say("settings-wrong", problems=told), param=problems[0].path, errors=tuple(problems))
