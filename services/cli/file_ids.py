"""Which uploaded file a user means: a whole id, or any beginning of one."""

import re

from services.cli.beginnings import the_one
from services.cli.client import Client
from shared.messages.message import say
from shared.units import size

FILE_PREFIX = "file-"
_WHOLE = re.compile(r"file-[A-Za-z0-9]{24}")


def is_file_id(text: str) -> bool:
    """Whether it is an uploaded file's id, or the beginning of one."""
    return text.startswith(FILE_PREFIX)


def find_file(client: Client, text: str) -> str:
    """The id of the one file that `text` means. Raises as `the_one` does."""
    if _WHOLE.fullmatch(text):
        return text
    files = [file for file in client.listed("files") if str(file["id"]).startswith(text)]
    return the_one(
        [
            (str(file["id"]), say("file-and-size-row", file=file["filename"], size=size(file["bytes"])))
            for file in files
        ],
        none=say("no-file-begins-so", text=repr(text)),
        listed=say("list-files-row"),
        several=say("several-files-begin-so-row", files=len(files), text=repr(text)),
    )
