"""The script of bash: a function that knows every command, option and choice, and asks for ids."""

from collections.abc import Sequence

from services.cli.completion.taken import FILE, FOLDER, Option, Taken, Value

# bash breaks words at `:` and `=`, which our ids have; so the words are read from the line, and what stands
# before the last break is taken off again from what is offered.
_HEAD = r"""_tunedock_match() {
    local prefix= candidate
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && prefix=${current%"${current##*:}"}
    for candidate in "$@"; do
        [[ $candidate == "$current"* ]] && COMPREPLY+=("${candidate#"$prefix"}")
    done
}

_tunedock_ids() {
    local -a found
    mapfile -t found < <("${words[0]/#\~\//$HOME/}" known-ids "$1" "${words[@]:1}" 2>/dev/null | cut -f1)
    _tunedock_match "${found[@]}"
}

_tunedock_files() {
    local found
    compopt -o filenames 2>/dev/null
    while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen "$1" -- "$current")
}

_tunedock() {
    local line=${COMP_LINE:0:COMP_POINT} current= before= command= options= valued= place=0 index word
    local -a words
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] || { current=${words[-1]}; unset 'words[-1]'; }
    for ((index = 1; index < ${#words[@]}; index++)); do
        word=${words[index]}
        if [[ -n $before ]]; then
            before=
        elif [[ $word == -* ]]; then
            [[ " $valued " == *" $word "* ]] && before=$word
        elif [[ -z $command ]]; then
            command=$word
            case $command in
@OPTIONS@
            esac
        else
            ((place += 1))
        fi
    done
    if [[ $current == --*=* ]]; then
        before=${current%%=*}
        current=${current#*=}
    fi
    if [[ -z $command ]]; then
        _tunedock_match @COMMANDS@
        return
    fi
    if [[ -n $before ]]; then
        case "$command $before" in
@VALUES@
        esac
        return
    fi
    if [[ $current == -* ]]; then
        _tunedock_match $options
        return
    fi
    case "$command $place" in
@PLACES@
    esac
}

complete -F _tunedock tunedock
"""


def script(commands: Sequence[Taken], program: Sequence[Option]) -> str:
    """To be sourced."""
    names = [command.name for command in commands] + [name for option in program for name in option.names]
    parts = {
        "@OPTIONS@": [_options(command) for command in commands],
        "@VALUES@": [
            f"            {_pattern(command, option)}) {_action(option.value)} ;;"
            for command in commands
            for option in command.options
            if option.value and _action(option.value)
        ],
        "@PLACES@": [line for command in commands for line in _places(command)],
    }
    text = _HEAD.replace("@COMMANDS@", " ".join(names))
    for mark, lines in parts.items():
        text = text.replace(mark, "\n".join(lines))
    return text


def _options(command: Taken) -> str:
    names = " ".join(name for option in command.options for name in option.names)
    valued = " ".join(name for option in command.options if option.value for name in option.names)
    return f"                {command.name}) options='{names}' valued='{valued}' ;;"


def _pattern(command: Taken, option: Option) -> str:
    return "|".join(f'"{command.name} {name}"' for name in option.names)


def _places(command: Taken) -> list[str]:
    lines = []
    for number, place in enumerate(command.places):
        pattern = f'"{command.name} "*' if place.is_many else f'"{command.name} {number}"'
        if action := _action(place.value):
            lines.append(f"        {pattern}) {action} ;;")
    return lines


def _action(value: Value) -> str:
    steps = [f"_tunedock_match {' '.join(value.words)}"] if value.words else []
    for source in value.sources:
        flag = {FILE: "-f", FOLDER: "-d"}.get(source)
        steps.append(f"_tunedock_files {flag}" if flag else f"_tunedock_ids {source}")
    return "; ".join(steps)
