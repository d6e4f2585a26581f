"""A tour of OpenAI's client, sync or async, by the names of its methods; it remembers where it was."""

import asyncio
import inspect
import warnings
from collections.abc import Awaitable
from operator import attrgetter
from types import TracebackType
from typing import Any

from openai import AsyncOpenAI, OpenAI

RESOURCES = (
    "files", "models", "fine_tuning.jobs", "fine_tuning.jobs.checkpoints",
    "fine_tuning.checkpoints.permissions", "fine_tuning.alpha.graders",
)  # fmt: skip


class Tour:
    """Calls methods by name, the async client's to their end."""

    def __init__(self, kind: type[OpenAI] | type[AsyncOpenAI], url: str, key: str) -> None:
        self.client = kind(base_url=f"{url}/v1", api_key=key, admin_api_key=key, max_retries=0)
        self.seen: set[str] = set()
        self._runner = asyncio.Runner()

    def __enter__(self) -> "Tour":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.client, AsyncOpenAI):
            self._run(self.client.close())
        else:
            self.client.close()
        self._runner.close()

    def call(self, method: str, /, *arguments: Any, **named: Any) -> Any:
        """What the method answers; of a list, its first page."""
        self.seen.add(method)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of methods that it still has
            answer = attrgetter(method)(self.client)(*arguments, **named)
        return self._run(answer) if inspect.isawaitable(answer) else answer

    def every(self, method: str, /, *arguments: Any, **named: Any) -> list[Any]:
        """All that a list has, page after page, as the client asks for them."""
        self.seen.add(method)
        pages = attrgetter(method)(self.client)(*arguments, **named)
        return list(pages) if isinstance(self.client, OpenAI) else self._run(_all_of(pages))

    def missed(self) -> set[str]:
        """The public methods of RESOURCES where it was not."""
        methods = {
            f"{resource}.{name}"
            for resource in RESOURCES
            for name, _ in inspect.getmembers(attrgetter(resource)(self.client), inspect.ismethod)
            if not name.startswith("_")
        }
        return methods - self.seen

    def _run(self, work: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await work

        return self._runner.run(whole())


async def _all_of(pages: Any) -> list[Any]:
    return [item async for item in pages]
