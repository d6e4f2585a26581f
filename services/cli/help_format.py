"""Help as argparse lays it out, in the reader's language: its texts are stored messages until it is shown."""

import argparse
import textwrap
from collections.abc import Callable, Iterable

from shared.messages.message import say
from shared.messages.render import shown, told


class HelpFormat(argparse.HelpFormatter):
    """`words` says fields of a request, which some texts name, as the command calls them."""

    def __init__(self, prog: str, words: Callable[[str], str] = str) -> None:
        super().__init__(prog)
        self._words = words

    def format_help(self) -> str:
        """With room for the longest command, whose indent argparse forgets (Python 3.11 to 3.14)."""
        self._action_max_length += self._indent_increment
        return super().format_help()

    def start_section(self, heading: str | None) -> None:
        super().start_section(shown(heading) if heading else heading)

    def add_text(self, text: str | None) -> None:
        super().add_text(shown(text) if text else text)

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        word = f"{told(say('usage-label'))} " if prefix is None else prefix
        super().add_usage(usage, actions, groups, word)

    def _get_help_string(self, action: argparse.Action) -> str:
        """argparse replaces what follows a percent sign, which ours mean as it is."""
        return self._words(shown(action.help or "")).replace("%", "%%")

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Names such as `--max-seq-length` stay whole, so that they can be copied."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.fill(
            " ".join(text.split()),
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
