"""OpenAI's files API: upload, list, read, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from flask import Response, request, send_file
from pydantic import Field
from werkzeug.formparser import FormDataParser

from services.api.openai_shapes import FileDeleted, FileList, FileObject
from services.api.result_files import is_result_file, result_content, result_file
from services.api.routing import reading_body
from services.api.service import Service
from services.api.uploads import IncomingFile, StoredFile
from shared.errors import InvalidField, MalformedRequest, NotFound, TooLarge
from shared.messages.message import Message, say
from shared.retention import DAY_SECONDS
from shared.schemas.frozen import Frozen

PURPOSES = ("fine-tune", "evals", "user_data")
ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"  # as OpenAI's clients write them
FORM_FIELDS = {"file", "purpose", ANCHOR, SECONDS}
SHORTEST_SECONDS, LONGEST_SECONDS = 3600, 30 * int(DAY_SECONDS)  # that a sender may have a file kept
FORM_OVERHEAD_BYTES = 64 * 1024  # boundaries, part headers, small fields
# The parser counts its 64 KiB pieces of a file, and what it keeps of the piece before, against this limit.
FORM_MEMORY_BYTES = 256 * 1024
MOST_PARTS = 10


class FilesQuery(Frozen):
    after: str | None = Field(None, description="a file's id: list those after it")
    limit: int = Field(10_000, ge=1, le=10_000)
    order: Literal["asc", "desc"] = Field("desc", description="by creation")
    purpose: str | None = None


def upload_file(service: Service) -> FileObject:
    """Store a file. Its rows are checked when a job names it."""
    limit_bytes = service.settings.max_upload_bytes
    if request.content_length is not None and request.content_length > limit_bytes + FORM_OVERHEAD_BYTES:
        raise TooLarge(say("file-too-large", limit_bytes=limit_bytes), param="file")
    with _received(service) as (incoming, filename, form):
        stored = service.files.keep(
            incoming, filename=filename, purpose=_purpose(form), expires_seconds=_expires_seconds(form)
        )
        return _shown(service, stored)


def list_files(service: Service, *, query: FilesQuery) -> FileList:
    files = [file for file in service.files.all() if query.purpose in (None, file.purpose)]
    if query.order == "asc":
        files.reverse()
    if query.after is not None:
        ids = [file.id for file in files]
        if query.after not in ids:
            raise NotFound(say("no-such-file", file=query.after[:80]), param="after")
        files = files[ids.index(query.after) + 1 :]
    page = [_shown(service, file) for file in files[: query.limit]]
    return FileList(
        data=page,
        has_more=len(files) > query.limit,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
    )


def get_file(service: Service, *, file_id: str) -> FileObject:
    if is_result_file(file_id):
        return result_file(service, file_id)
    return _shown(service, service.files.get(file_id))


def get_file_content(service: Service, *, file_id: str) -> Response:
    """The bytes of an uploaded file, or of a job's result file."""
    if is_result_file(file_id):
        return result_content(service, file_id)
    stored = service.files.get(file_id)
    return send_file(
        service.files.content(file_id),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=stored.filename,
        etag=stored.sha256,
    )


def delete_file(service: Service, *, file_id: str) -> FileDeleted:
    """Delete an uploaded file. Jobs that named it keep their own copy of its rows."""
    if is_result_file(file_id):
        raise InvalidField(say("file-is-result", file=file_id), param="file_id")
    service.files.delete(file_id)
    return FileDeleted(id=file_id)


@contextmanager
def _received(service: Service) -> Iterator[tuple[IncomingFile, str, dict[str, str]]]:
    """(file, its name, the form's other fields) from the multipart body; what is not kept goes."""
    arriving: list[IncomingFile] = []
    announced_bytes = request.content_length or 0

    def begin(*_: object, **__: object) -> IncomingFile:
        if arriving:
            raise InvalidField(say("send-one-file"), param="file")
        arriving.append(service.files.receive(announced_bytes))
        return arriving[0]

    try:
        form, filename = _parse_form(begin, service.settings.max_upload_bytes)
        if not arriving or filename is None:
            raise InvalidField(say("form-lacks-file"), param="file")
        yield arriving[0], filename, form
    finally:
        for incoming in arriving:
            incoming.discard()


def _parse_form(begin: object, limit_bytes: int) -> tuple[dict[str, str], str | None]:
    """The form's fields, and the name of the file, which goes where `begin` says while it arrives."""
    if request.mimetype != "multipart/form-data":
        raise MalformedRequest(
            say("form-has-other-type", type=request.mimetype) if request.mimetype else say("form-has-no-type")
        )
    request.max_content_length = limit_bytes + FORM_OVERHEAD_BYTES
    parser = FormDataParser(
        stream_factory=begin,  # type: ignore[arg-type]
        max_form_memory_size=FORM_MEMORY_BYTES,
        max_form_parts=MOST_PARTS,
        silent=False,
    )
    with reading_body():
        try:
            _, form, files = parser.parse(
                request.stream, request.mimetype, request.content_length, request.mimetype_params
            )
        except ValueError as error:
            raise MalformedRequest(_why_unreadable(error)) from None
    if unknown := sorted((set(form) | set(files)) - FORM_FIELDS):
        name = unknown[0][:80]
        raise InvalidField(say("form-field-unknown", field=name, fields=sorted(FORM_FIELDS)), param=name)
    return form.to_dict(), files["file"].filename if "file" in files else None


def _why_unreadable(error: ValueError) -> Message:
    """The parser's own words are about its states."""
    if "boundary" not in request.mimetype_params:
        return say("form-names-no-boundary")
    return say("form-is-not-utf8") if isinstance(error, UnicodeDecodeError) else say("form-lacks-its-end")


def _purpose(form: dict[str, str]) -> str:
    purpose = form.get("purpose")
    if purpose not in PURPOSES:
        raise InvalidField(_wrong_purpose(purpose), param="purpose")
    return purpose


def _wrong_purpose(purpose: str | None) -> Message:
    if purpose is None:
        return say("purpose-missing", purpose_choices=PURPOSES)
    return say("purpose-unknown", purpose=purpose[:40], purpose_choices=PURPOSES)


def _expires_seconds(form: dict[str, str]) -> int | None:
    """After how long the sender wants the file to go; None where nothing is said. Raises `InvalidField`."""
    anchor, seconds = form.get(ANCHOR), form.get(SECONDS)
    if anchor is None and seconds is None:
        return None
    if anchor is None or seconds is None:
        raise InvalidField(say("expires-after-halved"), param="expires_after")
    if anchor != "created_at":
        raise InvalidField(say("expires-after-anchor", anchor=anchor[:40]), param=ANCHOR)
    is_number = seconds.isascii() and seconds.isdecimal() and len(seconds) <= len(str(LONGEST_SECONDS))
    if not (is_number and SHORTEST_SECONDS <= int(seconds) <= LONGEST_SECONDS):
        fewest, most = str(SHORTEST_SECONDS), str(LONGEST_SECONDS)
        raise InvalidField(
            say("expires-after-seconds", fewest=fewest, most=most, seconds=seconds[:40]), param=SECONDS
        )
    return int(seconds)


def _shown(service: Service, file: StoredFile) -> FileObject:
    days = service.settings.keep_upload_days
    limits = [None if days is None else days * DAY_SECONDS, file.expires_seconds]
    kept_seconds = min((limit for limit in limits if limit is not None), default=None)
    return FileObject(
        id=file.id,
        bytes=file.bytes,
        created_at=int(file.created_at),
        expires_at=None if kept_seconds is None else int(file.created_at + kept_seconds),
        filename=file.filename,
        purpose=file.purpose,
    )
