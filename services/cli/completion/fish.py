"""The script of fish: one line for each command, option and place, with what it means."""

from collections.abc import Iterator, Sequence

from services.cli.completion.taken import FILE, FOLDER, Option, Taken, Value

_HEAD = r"""function __tunedock_command
    set -l words (commandline -opc)
    for word in $words[2..-1]
        string match -q -- '-*' $word; or begin
            echo $word
            return
        end
    end
end

function __tunedock_is
    set -l command (__tunedock_command)
    test "$command" = "$argv[1]"
end

function __tunedock_ids
    set -l words (commandline -opc)
    set -l tunedock (string replace -r '^~/' "$HOME/" -- $words[1])
    $tunedock known-ids $argv[1] $words[2..-1] 2>/dev/null
end

complete -c tunedock -f
"""


def script(commands: Sequence[Taken], program: Sequence[Option]) -> str:
    """To be sourced, or kept in the folder of completions."""
    lines = [*_begin(commands, program), *(line for one in commands for line in _lines(one))]
    return _HEAD + "".join(f"{line}\n" for line in lines)


def _begin(commands: Sequence[Taken], program: Sequence[Option]) -> Iterator[str]:
    for command in commands:
        yield f"complete -c tunedock -n '__tunedock_is \"\"' -a {command.name} -d {_quoted(command.summary)}"
    for option in program:
        yield f"complete -c tunedock -n '__tunedock_is \"\"'{_names(option)} -d {_quoted(option.summary)}"


def _lines(command: Taken) -> Iterator[str]:
    begin = f"complete -c tunedock -n '__tunedock_is {command.name}'"
    for option in command.options:
        value = "" if option.value is None else _value(option.value, is_option=True)
        yield f"{begin}{_names(option)}{value} -d {_quoted(option.summary)}"
    for place in command.places:
        if value := _value(place.value, is_option=False):
            yield f"{begin}{value}"


def _names(option: Option) -> str:
    return "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)


def _value(value: Value, *, is_option: bool) -> str:
    """An option's value is required (`-r`); files are offered only where they are wanted (`-F`)."""
    is_path = FILE in value.sources or FOLDER in value.sources
    asked = [name for name in value.sources if name not in (FILE, FOLDER)]
    offered = [*value.words, *(f"(__tunedock_ids {name})" for name in asked)]
    flags = (" -r" if is_option else "") + (" -F" if is_path else " -f" if is_option else "")
    return flags + (f" -k -a {_quoted(' '.join(offered))}" if offered else "")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
