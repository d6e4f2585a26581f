"""The script of zsh: `_arguments` of each command, with what each option means."""

import re
from collections.abc import Sequence

from services.cli.completion.taken import FILE, FOLDER, Option, Place, Taken, Value

_HEAD = r"""#compdef tunedock

_tunedock_ids() {
    local -a found
    local line
    for line in ${(f)"$(${tunedock/#\~\//$HOME/} known-ids $1 $typed 2>/dev/null)"}; do
        found+=("${${line//:/\\:}/$'\t'/:}")
    done
    _describe -t ids id found
}

_tunedock() {
    local tunedock=$words[1] context state
    local -a typed=($words[2,-1]) line commands
    commands=(
@COMMANDS@
    )
    _arguments -C @PROGRAM@ '1: :->command' '*:: :->arguments'
    case $state in
    command) _describe -t commands command commands ;;
    arguments)
        case $line[1] in
@ARGUMENTS@
        esac
        ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _tunedock "$@"; else compdef _tunedock tunedock; fi
"""


def script(commands: Sequence[Taken], program: Sequence[Option]) -> str:
    """To be sourced after `compinit`, or kept as `_tunedock` in a folder of `fpath`."""
    parts = {
        "@COMMANDS@": [
            f"        {_quoted(f'{_colons(command.name)}:{command.summary}')}" for command in commands
        ],
        "@PROGRAM@": [" ".join(spec for option in program for spec in _option(option))],
        "@ARGUMENTS@": [line for command in commands for line in _command(command)],
    }
    text = _HEAD
    for mark, lines in parts.items():
        text = text.replace(mark, "\n".join(lines))
    return text


def _command(command: Taken) -> list[str]:
    specs = [spec for option in command.options for spec in _option(option)]
    specs += [_place(number, place) for number, place in enumerate(command.places, 1)]
    joined = " \\\n                ".join(specs)
    arguments = f"            _arguments -s \\\n                {joined}"
    return [f"        {command.name})", arguments, "            ;;"]


def _option(option: Option) -> list[str]:
    meaning = re.sub(r"([\[\]\\:])", r"\\\1", option.summary)
    value = "" if option.value is None else f":{_colons(option.metavar)}:{_action(option.value)}"
    equals = "=" if option.value is not None else ""
    return [
        _quoted(f"*{name}{equals if name.startswith('--') else ''}[{meaning}]{value}")
        for name in option.names
    ]


def _place(number: int, place: Place) -> str:
    at = "*" if place.is_many else str(number)
    return _quoted(f"{at}:{_colons(place.name)}:{_action(place.value)}")


def _action(value: Value) -> str:
    steps = [f"compadd {' '.join(value.words)}"] if value.words else []
    for source in value.sources:
        files = {FILE: "_files", FOLDER: "_files -/"}.get(source)
        steps.append(files or f"_tunedock_ids {source}")
    if value.words and len(steps) == 1:
        return f"({' '.join(value.words)})"
    return "{" + "; ".join(steps) + "}" if steps else " "


def _colons(text: str) -> str:
    return text.replace(":", "\\:")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
