"""The tables of docs/families.md, drawn from tiny models, chat templates and the engine's own answer."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from transformers import PreTrainedModel

from services.worker.adapters.lora import linear_names
from services.worker.computing.engine.description import ANGLES_FIXED_UP_TO, describe
from services.worker.computing.engine.model_parts import why_not
from services.worker.models.families.abilities import outside_language, skeleton_of
from services.worker.models.families.blueprint import Blueprint, choose_blueprint
from shared.messages.render import in_english
from tests.template_traits import traits
from tests.tiny_models import exaone_config
from tests.worker.models import tiny_dense, tiny_families
from tests.worker.models.dense_families import DENSE, SEPARATE, config_of
from tests.worker.text.families import FAMILIES as TEMPLATES

SHORT = 1  # a row that is short enough for every kind of positions
EXAONE = "EXAONE-3.5"
REFUSED = ("paligemma",)  # it sees the words that it is to learn


def families() -> Iterator[tuple[str, ...]]:
    """Family, models, class, fast layers, names for LoRA, chat template, and what checks it."""
    for name, family in DENSE.items():
        blueprint = choose_blueprint(config_of(name))
        yield _row(name, family.such_as, blueprint, family.template, f"`test_dense_families.py` [{name}]")
    blueprint = choose_blueprint(exaone_config(512))
    yield _row(EXAONE, "EXAONE-3.5-2.4B-Instruct, EXAONE-3.5-7.8B", blueprint, EXAONE, "`test_exaone.py`")


def others() -> Iterator[tuple[str, str, str]]:
    """Class, fast layers, and what checks it, of all else that the tests train a model of."""
    shown = {config_of(name)["architectures"][0] for name in DENSE}
    kinds = {**tiny_dense.DENSE, **tiny_families.FAMILIES}
    for make in (make for name, make in kinds.items() if name not in REFUSED):
        config = make()
        model = _frozen(choose_blueprint({**config.to_dict(), "model_type": config.model_type}))
        class_name = type(model).__name__
        if class_name not in shown:
            shown.add(class_name)
            dense = _checks_of_engine(model)
            yield (
                _code(class_name),
                _fast_layers(model),
                dense or f"`test_abilities.py` [{config.model_type}]",
            )


def _row(name: str, such_as: str, blueprint: Blueprint, template: str, check: str) -> tuple[str, ...]:
    model = _frozen(blueprint)
    written = next(one for one in TEMPLATES if one.name == template)
    checks = (check, _checks_of_engine(model), f"`test_targets.py` [{template}]")
    return (
        name,
        such_as,
        _code(type(model).__name__),
        _fast_layers(model),
        _names(model, blueprint),
        "; ".join(traits(written)) or "nothing of its own",
        ", ".join(filter(None, checks)),
    )


def _frozen(blueprint: Blueprint) -> PreTrainedModel:
    """Without memory, and as a load leaves it."""
    model = skeleton_of(blueprint)
    model.requires_grad_(False)
    return model


def _fast_layers(model: PreTrainedModel) -> str:
    if (reason := why_not(model, longest_row=SHORT)) is not None:
        return f"no: {in_english(reason)}"
    if describe(model.config, type(model).__name__).longest_row is None:
        return "yes"
    return f"yes, for rows of up to {_code(ANGLES_FIXED_UP_TO[model.config.rope_parameters['rope_type']])}"


def _names(model: PreTrainedModel, blueprint: Blueprint) -> str:
    """The names that an adapter may ask for; of EXAONE-3.5 its own."""
    names = linear_names(model, outside_language(model))
    if blueprint.family is not None:
        original = {path.rpartition(".")[2] for path in blueprint.family.module_names}
        names = [name for name in original if blueprint.family.name_as_run(name) in names]
    return "the seven" if sorted(names) == sorted(SEPARATE) else ", ".join(map(_code, sorted(names)))


def _checks_of_engine(model: PreTrainedModel) -> str:
    kinds = [name for name, config in _engine_s_configs().items() if config is type(model.config)]
    return f"`test_families.py` [{', '.join(kinds)}]" if kinds else ""


@cache
def _engine_s_configs() -> dict[str, type]:
    return {name: type(make()) for name, make in tiny_dense.DENSE.items()}


def _code(text: Any) -> str:
    return f"`{text}`"
