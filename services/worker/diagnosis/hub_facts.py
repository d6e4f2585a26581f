"""What the hub says of a model now: whether it has safetensors, and of which dtype; asked within seconds."""

import threading
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi, constants

from shared.messages.message import Message, say
from shared.reports.model_files import HubModel

HUB_SECONDS = 4.0
CONVERSION_BOT = "SFconvertbot"  # of the hub itself; a conversion by anybody else may hold anything
_CONVERSION_TITLE = "Adding `safetensors` variant of this model"


def ask_hub(name: str, *, find_conversion: bool, seconds: float = HUB_SECONDS) -> HubModel:
    """Ask about the model `name`, for at most `seconds`; a conversion only if main has no safetensors.

    Sends what a download would: the name, and the token where one is set. Raises nothing.
    """
    if constants.HF_HUB_OFFLINE:
        return HubModel(unknown=say("hub-offline-piece"))
    try:
        answer = _within(seconds, lambda: _ask(name, find_conversion, seconds))
    except Exception as error:  # the client and its HTTP library raise their own
        return HubModel(unknown=_reason(error))
    late = say("hub-silent-piece", hub=constants.ENDPOINT, limit_seconds=seconds)
    return answer or HubModel(unknown=late)


def _ask(name: str, find_conversion: bool, seconds: float) -> HubModel:
    api = HfApi()
    main = api.model_info(name, timeout=seconds, files_metadata=find_conversion)
    found = bool(_files(main, ".safetensors"))
    counted = main.safetensors.parameters if main.safetensors else {}
    answer = HubModel(
        main_commit=main.sha,
        has_safetensors=found,
        dtype_parameters={str(dtype): int(count) for dtype, count in counted.items()},
    )
    if found or not find_conversion:
        return answer
    try:
        return answer.model_copy(update={"conversion": _conversion(api, main, seconds)})
    except Exception as error:  # a repository may have its discussions closed
        return answer.model_copy(update={"unknown": _reason(error)})


def _conversion(api: HfApi, main: Any, seconds: float) -> str | None:
    """The bot's newest conversion, if it was made of the pickles that main has now."""
    pickles = _files(main, ".bin")
    for request in api.get_repo_discussions(main.id, author=CONVERSION_BOT, discussion_type="pull_request"):
        if (request.author, request.title) != (CONVERSION_BOT, _CONVERSION_TITLE):
            continue
        revision = f"refs/pr/{request.num}"
        there = api.model_info(main.id, revision=revision, timeout=seconds, files_metadata=True)
        if _files(there, ".safetensors") and pickles and _files(there, ".bin") == pickles:
            return revision
    return None


def _reason(error: Exception) -> Message:
    line = (str(error).strip().splitlines() or [""])[0][:200]
    return say("hub-error-piece", hub=constants.ENDPOINT, kind=type(error).__name__, error=line)


def _files(info: Any, suffix: str) -> dict[str, str | None]:
    """Weight files of a revision that a causal language model is loaded from → their SHA-256."""
    stem = "model" if suffix == ".safetensors" else "pytorch_model"
    return {
        file.rfilename: file.lfs.sha256 if file.lfs else None
        for file in info.siblings or ()
        if file.rfilename.startswith(stem) and file.rfilename.endswith(suffix)
    }


def _within(seconds: float, call: Callable[[], HubModel]) -> HubModel | None:
    """What `call` returns or raises, or None when it takes longer: not each request takes a timeout."""
    answers: list[HubModel] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="ask-hub", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    return answers[0] if answers else None
