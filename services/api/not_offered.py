"""What of OpenAI's API is not here: each of its pages answers with what there is instead."""

from shared.errors import NotFound, NotOffered
from shared.messages.message import Message, say

PREFIX = "/v1/"
OWN = ("files", "fine_tuning", "jobs", "models", "queue")  # what begins a page below PREFIX
MOST_SHOWN_CHARACTERS = 80

_ANSWERS = say("no-answers-here")
_JUDGES = say("evaluations-judge")
_ONE_KEY = say("no-organization-here")
_OTHERS = say("offered-of-openais")
# Where a page of OpenAI's API begins, below PREFIX → what there is instead. The first that fits counts.
INSTEAD: dict[str, Message] = {
    "fine_tuning/checkpoints": say("every-key-may-use-checkpoints"),
    "fine_tuning/alpha/graders": _JUDGES,
    "evals": _JUDGES,
    "chat": _ANSWERS,
    "completions": _ANSWERS,
    "responses": _ANSWERS,
    "conversations": _ANSWERS,
    "assistants": _ANSWERS,
    "threads": _ANSWERS,
    "realtime": _ANSWERS,
    "batches": say("evaluations-are-batches"),
    "uploads": say("upload-in-one-request"),
    "organization": _ONE_KEY,
    "projects": _ONE_KEY,
    **dict.fromkeys(
        (
            "agents", "audio", "chatkit", "containers", "decisions", "edits", "embeddings", "engines",
            "fine-tunes", "images", "live", "moderations", "safety", "skills", "vaults", "vector_stores",
            "videos", "webhook_endpoints",
        ),
        _OTHERS,
    ),
}  # fmt: skip


def why_absent(path: str) -> NotFound:
    """The refusal of a page that there is not: one of OpenAI's, one asked for without /v1, or any other."""
    page = path[:MOST_SHOWN_CHARACTERS]
    if not path.startswith(PREFIX):
        is_ours = path.split("/")[1] in OWN
        return NotFound(say("page-lacks-version", page=page) if is_ours else say("no-such-page"))
    for start, instead in INSTEAD.items():
        if f"{path}/".startswith(f"{PREFIX}{start}/"):
            return NotOffered(say("sentences", sentences=[say("page-not-offered", page=page), instead]))
    return NotFound(say("no-such-page"))
