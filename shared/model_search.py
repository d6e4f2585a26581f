"""Which model a name means: one search for API and worker, whose refusal is made from what it tried."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import ModelUnknown, ModelUnusable
from shared.messages.message import Message, say
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
from shared.visible import visible

MOST_NAMED = 20


@dataclass(frozen=True)
class Found:
    """Where a model is to be had; `folder` only where it lies in a folder."""

    name: str
    place: Literal["folder", "demo", "hub"]
    folder: Path | None = None


class NotFoundHere(Exception):
    """No model of that name, or one that can't be a base model."""

    def __init__(self, lack: Lack, message: Message, remedy: Message) -> None:
        super().__init__(message.message_id)
        self.lack, self.message, self.remedy = lack, message, remedy


def find_model(name: str, folders: tuple[Path, ...]) -> Found:
    """The folder of that name, the demo model, or the hub's. Folders go before the hub.

    `folders` begin with the models folder. Only names and the files' names are looked at: whether the hub has
    a model, only asking it tells. Raises NotFoundHere.
    """
    if (folder := model_folder(name, folders)) is not None:
        if wrong := what_is_wrong(folder, name):
            raise NotFoundHere(wrong.lack, wrong.message, wrong.remedy)
        return Found(name, "folder", folder)
    if name == DEMO_MODEL:
        return Found(name, "demo")
    meant = _meant(name, folders)
    if is_hub_id(name) and not (meant and _begins_with_folder(name, folders[0])):
        return Found(name, "hub")
    lack = say("no-such-model", model=visible(name), tried=_tried(name, folders))
    raise NotFoundHere("model_not_found", lack, _advice(name, meant, folders))


def check_base_model(model: str, folders: tuple[Path, ...], *, to_load: bool = True) -> None:
    """Raises `ModelUnknown`, which says what was tried and what there is, when there is no such model here,
    and `ModelUnusable` for a folder that can't be a base model; with `to_load` weights must be there, too.
    """
    if is_fine_tuned(model):
        raise ModelUnknown(say("model-is-fine-tuned", model=model), param="model")
    try:
        found = find_model(model, folders)
    except NotFoundHere as refused:
        refusal = ModelUnknown if refused.lack == "model_not_found" else ModelUnusable
        raise refusal(_with_remedy(refused.message, refused.remedy), param="model") from None
    if to_load and found.folder is not None and (wrong := what_weights_lack(found.folder, model)):
        raise ModelUnusable(_with_remedy(wrong.message, wrong.remedy), param="model")


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


def _tried(name: str, folders: tuple[Path, ...]) -> Message:
    """What was looked for."""
    parts = name.split("/")
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", name):
        return say("model-name-is-path")
    if re.match(r"https?://", name):
        return say("model-name-is-address")
    if len(parts) > 2:
        return say("model-name-has-slashes")
    if not all(is_folder_name(part) for part in parts):
        return say("model-name-not-allowed")
    if (folders[0] / name).is_file():
        return say("model-name-is-file", model=name, folder=folders[0])
    return say("not-here-and-folder-named" if "/" in name else "not-here-and-no-hub-id", folder=folders[0])


def _advice(name: str, meant: str | None, folders: tuple[Path, ...]) -> Message:
    if meant:
        return say("name-it", model=visible(meant))
    if found := re.fullmatch(r"https?://[^/]+/([^/]+/[^/]+?)(/.*)?", name):
        return say("name-it", model=visible(found[1]))
    present = model_folder_names(folders)
    near = similar_names(name, [*present, DEMO_MODEL])
    if near:
        return say("did-you-mean", name_choices=near, advice=say("give-hub-id-or-folder"))
    names = sorted({*present, DEMO_MODEL})
    more = max(0, len(names) - MOST_NAMED)
    return say("give-name-that-is-here", names=names[:MOST_NAMED], more=more)


def _with_remedy(problem: Message, remedy: Message) -> Message:
    return say("problem-and-remedy", problem=problem, remedy=remedy)
