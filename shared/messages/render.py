"""A message as a sentence in a reader's language."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.messages.catalog import DEFAULT_LANGUAGE, catalog
from shared.messages.message import Message, Value, read_stored
from shared.units import duration, rate, size, span
from shared.visible import visible

_of_process = DEFAULT_LANGUAGE
_reader: ContextVar[str | None] = ContextVar("reader", default=None)
_naming: ContextVar[Callable[[str], str]] = ContextVar("naming", default=str)


@contextmanager
def reader_of(language: str) -> Iterator[None]:
    """Within it, `shown` speaks `language`: the one request that a thread answers."""
    token = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(token)


def set_reader(language: str, naming: Callable[[str], str] = str) -> None:
    """From here on in this thread, `shown` speaks `language`.

    `naming` puts names in place of what this reader is not told as it is: folders of the machine, say.
    """
    _reader.set(language)
    _naming.set(naming)


def set_process_reader(language: str) -> None:
    """From here on `shown` speaks `language` in every thread that was not told another."""
    global _of_process
    _of_process = language


def reader() -> str:
    """The language that `shown` speaks in this thread."""
    return _reader.get() or _of_process


def shown(said: str | Message, language: str | None = None) -> str:
    """A message, or a stored text, for the reader; one of before there were messages is shown as it is."""
    message = read_stored(said) if isinstance(said, str) else said
    text = message if isinstance(message, str) else render(message, language or reader())
    return _naming.get()(text)


def render(message: Message, language: str = DEFAULT_LANGUAGE) -> str:
    """The sentence. An unknown id or a missing value raises nothing: then id and values are shown."""
    sentences = catalog(language)
    if message.message_id not in sentences:
        return _bare(message) if language == DEFAULT_LANGUAGE else render(message)
    values = {name: _written(name, value, language) for name, value in message.values.items()}
    sentence = sentences.sentence(message.message_id, values)
    return _bare(message) if sentence is None else sentence


def told(text: str | Message) -> str:
    """For the reader; a text is told as it is."""
    return _naming.get()(text if isinstance(text, str) else render(text, reader()))


def in_english(text: str | Message) -> str:
    """For logs."""
    return text if isinstance(text, str) else render(text)


def _bare(message: Message) -> str:
    values = json.dumps(message.model_dump(mode="json")["values"], ensure_ascii=False)
    return f"{message.message_id} {values}"


def _written(name: str, value: Value, language: str) -> str | int:
    """Whole numbers stay numbers: the files choose plural forms by them."""
    match value:
        case Message():
            return render(value, language)
        case tuple():
            return _listed(name, value, language)
        case None:
            return "?"
        case bool():
            return str(value).lower()
        case int() | float() if name.endswith("_bytes"):
            return size(value)
        case int() | float() if name.endswith("_bytes_per_second"):
            return rate(value)
        case int() | float() if name.endswith("run_seconds"):
            return span(value)
        case int() | float() if name.endswith("_seconds"):
            return duration(value)
        case int() | float() if name.endswith("_ratio"):
            return f"{value:.0%}"
        case float() if value.is_integer() and abs(value) < 1e6:
            return int(value)
        case float():
            return f"{value:.4g}"
    return visible(value) if isinstance(value, str) else value


def _listed(name: str, items: tuple[str | Message, ...], language: str) -> str:
    """Texts and pieces (`-piece`) as the language lists them, or as a sum; sentences one after the other."""
    from babel.lists import format_list

    texts = [visible(item) if isinstance(item, str) else render(item, language) for item in items]
    if name.endswith("_sum"):
        return " + ".join(texts)
    if any(isinstance(item, Message) and not item.message_id.endswith("-piece") for item in items):
        return " ".join(texts)
    return format_list(
        texts, style="or" if name.endswith("_choices") else "standard", locale=language.replace("-", "_")
    )
