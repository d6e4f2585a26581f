"""Which model a name means: one search for API and worker, whose refusal is made from what it tried."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import ModelUnknown, ModelUnusable
from shared.model_folders import (
    Lack,
    is_folder_name,
    model_folder,
    model_folder_names,
    what_is_wrong,
    what_weights_lack,
)
from shared.model_names import is_fine_tuned, is_hub_id
from shared.settings import DEMO_MODEL

MOST_NAMED = 20


@dataclass(frozen=True)
class Found:
    """Where a model is to be had; `folder` only where it lies in a folder."""

    name: str
    place: Literal["folder", "demo", "hub"]
    folder: Path | None = None


class NotFoundHere(Exception):
    """No model of that name, or one that can't be a base model."""

    def __init__(self, lack: Lack, message: str, remedy: str) -> None:
        super().__init__(message)
        self.lack, self.message, self.remedy = lack, message, remedy


def find_model(name: str, folders: tuple[Path, ...]) -> Found:
    """The folder of that name, the demo model, or the hub's. Folders go before the hub.

    `folders` begin with the models folder. Only names and the files' names are looked at: whether the hub has
    a model, only asking it tells. Raises NotFoundHere.
    """
    if (folder := model_folder(name, folders)) is not None:
        if wrong := what_is_wrong(folder):
            raise NotFoundHere(wrong.lack, f"The model folder {name!r} {wrong.message}.", wrong.remedy)
        return Found(name, "folder", folder)
    if name == DEMO_MODEL:
        return Found(name, "demo")
    meant = _meant(name, folders)
    if is_hub_id(name) and not (meant and _begins_with_folder(name, folders[0])):
        return Found(name, "hub")
    raise NotFoundHere("model_not_found", f"There is no model {name!r}: {_tried(name, folders)}.",
                       _advice(name, meant, folders))  # fmt: skip


def check_base_model(model: str, folders: tuple[Path, ...], *, to_load: bool = True) -> None:
    """Raises `ModelUnknown`, which says what was tried and what there is, when there is no such model here,
    and `ModelUnusable` for a folder that can't be a base model; with `to_load` weights must be there, too.
    """
    if is_fine_tuned(model):
        raise ModelUnknown(
            f"{model!r} is a fine-tuned model: an adapter that loads on its base model. Name the base model.",
            param="model",
        )
    try:
        found = find_model(model, folders)
    except NotFoundHere as refused:
        refusal = ModelUnknown if refused.lack == "model_not_found" else ModelUnusable
        raise refusal(f"{refused.message} {_sentence(refused.remedy)}", param="model") from None
    if to_load and found.folder is not None and (wrong := what_weights_lack(found.folder)):
        raise ModelUnusable(
            f"The model folder {model!r} {wrong.message}. {_sentence(wrong.remedy)}", param="model"
        )


def similar_names(name: str, present: Iterable[str]) -> list[str]:
    """Those of `present` that `name` may be a slip of: other case, hyphens, organisation, or a letter."""
    names = list(dict.fromkeys(present))
    plain = {other: _plain(other) for other in names}
    ends = {other: _plain(other.rsplit("/", 1)[-1]) for other in names}
    wanted, wanted_end = _plain(name), _plain(name.rstrip("/").rsplit("/", 1)[-1])
    same = [other for other in names if plain[other] == wanted or ends[other] == wanted_end]
    close = difflib.get_close_matches(wanted, set(plain.values()), n=3, cutoff=0.75)
    close += difflib.get_close_matches(wanted_end, set(ends.values()), n=3, cutoff=0.75)
    return [*same, *(o for o in names if o not in same and (plain[o] in close or ends[o] in close))][:3]


def _plain(name: str) -> str:
    return re.sub(r"[\s._-]+", "", unicodedata.normalize("NFC", name).casefold())


def _meant(name: str, folders: tuple[Path, ...]) -> str | None:
    """The name of a folder here that a path, an address or an odd spelling of it ends in."""
    parts = [part for part in re.split(r"[/\\]+", name.strip()) if part not in ("", ".")]
    ends = ["/".join(parts[-length:]) for length in (2, 1) if length <= len(parts)]
    return next((end for end in ends if end != name and model_folder(end, folders)), None)


def _begins_with_folder(name: str, models_dir: Path) -> bool:
    """Whether somebody gave the models folder's own name along: `models/NAME`."""
    return name.split("/", 1)[0].casefold() in ("models", models_dir.name.casefold())


def _tried(name: str, folders: tuple[Path, ...]) -> str:
    """What was looked for, in words."""
    parts = name.split("/")
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", name):
        return (
            "it is a path, and a model is named by its folder's name in the models folder, or by its hub id"
        )
    if re.match(r"https?://", name):
        return "it is an address, and a hub model is named by its id alone, organisation/name"
    if len(parts) > 2:
        return "a name has at most one slash (organisation/name)"
    if not all(is_folder_name(part) for part in parts):
        return (
            "a folder's name may not be empty, begin with a dot, begin or end with a space, or hold a "
            "backslash or characters that can't be shown"
        )
    if (folders[0] / name).is_file():
        return f"{name!r} in the models folder {folders[0]} is a file, and a model is a folder"
    no_hub_id = (
        "it begins with the models folder's own name"
        if "/" in name
        else "a hub id has the form organisation/name"
    )
    return f"neither the models folder {folders[0]} nor what was prepared here has it, and {no_hub_id}"


def _advice(name: str, meant: str | None, folders: tuple[Path, ...]) -> str:
    if meant:
        return f"name it {meant!r}"
    if found := re.fullmatch(r"https?://[^/]+/([^/]+/[^/]+?)(/.*)?", name):
        return f"name it {found[1]!r}"
    present = model_folder_names(folders)
    near = similar_names(name, [*present, DEMO_MODEL])
    advice = "Give a hub id (organisation/name), or put the model's folder into the models folder"
    if near:
        return f"did you mean {_choice(near)}? {advice}"
    shown = sorted({*present, DEMO_MODEL})
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return f"{advice}; there are {', '.join(map(repr, shown[:MOST_NAMED]))}{more}"


def _choice(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))


def _sentence(text: str) -> str:
    ended = text if text.endswith(("?", ".", "!")) else f"{text}."
    return ended[0].upper() + ended[1:]
