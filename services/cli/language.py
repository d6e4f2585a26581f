"""The language of the person at the terminal, as the environment names it."""

from collections.abc import Mapping

from shared.messages.catalog import DEFAULT_LANGUAGE, languages

VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts (POSIX, 8.2)


def language_of(environment: Mapping[str, str]) -> str:
    """`ko` for `ko_KR.UTF-8`, if there are messages in it; else English."""
    named = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    whole = named.partition(".")[0].partition("@")[0].replace("_", "-")
    there = languages()
    return next((word for word in (whole, whole.partition("-")[0]) if word in there), DEFAULT_LANGUAGE)
