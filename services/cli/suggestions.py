"""What was probably meant by a name that the server does not know."""

from typing import Any

from services.cli.client import Client
from services.cli.command_parser import closest
from services.cli.failure import CommandFailed, RequestRefused
from shared.messages.message import say


def with_suggestion(refused: RequestRefused, request: dict[str, Any], client: Client) -> RequestRefused:
    """`refused`, with the model whose name is closest where it is a model that there isn't."""
    if refused.code != "model_not_found":
        return refused
    asked = str(request.get("adapter") or request.get("model") or "")
    try:
        meant = closest_model(asked, client.models())
    except CommandFailed:
        return refused
    if meant is None or meant == asked:
        return refused
    said = say("did-you-mean-model-row", message=refused.message, model=meant)
    return RequestRefused(refused.status, refused.code, said, errors=refused.errors)


def closest_model(asked: str, known: list[str]) -> str | None:
    """The known name most like `asked`; its organisation may be left out."""
    short = {name.rsplit("/", 1)[-1]: name for name in known}
    found = closest(asked, known) or closest(asked.rsplit("/", 1)[-1], short)
    return short.get(found, found) if found else None
