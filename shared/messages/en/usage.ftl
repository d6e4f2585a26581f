# What is wrong with the words of a command, and how they are written.

wrong-words = { $command }: { $problem }
wrong-argument = { $command }: { $argument }: { $problem }
see-help-of-row = See: { $command } --help
see-all-row = See all: ./tunedock help
did-you-mean-row = Did you mean { $meant }?
down-or-cancel-piece = down (the service) or cancel (a job)

no-such-command = There is no command { $command }.
no-such-option = There is no option { $option }.
no-such-word = There is no { $word }.
there-are-words = There are: { $words }.
word-too-many = The word { $word } is not expected here.
option-of-some-commands = { $option } is an option of { $commands }. Write it after the command.
option-of-the-commands = { $option } is an option of the commands. Write it after the command.

## what argparse finds
arguments-missing = { $count ->
    [one] { $arguments } is missing
   *[other] { $arguments } are missing
}.
value-missing = A value must follow it.
values-missing = At least one value must follow it.
values-too-many = At most one value may follow it.
value-not-taken = It takes no value, but { $seen } was given.
not-beside = It can't be given together with { $other }.
option-short-for-several = { $option } could be any of several options: { $options }.
words-not-understood = { $text }.

## values
pair-wanted = This must be NAME=VALUE, not { $seen }.
whole-number-wanted = This must be a whole number, not { $seen }.
number-wanted = This must be a number, not { $seen }.
positive-wanted = This must be a whole number, 1 or more, not { $seen }.
from-zero-wanted = This must be a { $kind ->
    [whole] whole number
   *[any] number
}, 0 or more, not { $seen }.
plan-wanted = This must be auto, baseline or tokens_per_micro_batch=N, not { $seen }.
file-is-folder = { $file } is a folder. Give a file in it, or use --dataset NAME.
file-does-not-exist = { $file } does not exist.
text-file-not-read = The file { $file } can't be read: { $error }.
text-file-not-utf8 = The file { $file } is not text in UTF-8.
options-refused-row = These options can't be used:

## diagnose
option-needs-model = { $option } is about the rows as a model reads them. Give --model, too.
option-of-training = { $option } belongs to a training. Give its rows with --training NAME or --training-file FILE.
diagnose-wants-model = The command diagnose needs a MODEL, or --training NAME.
option-of-load = { $option } belongs to the load of a model, not to a training.

## explain
name-program-after-dashes = Write the program that you want explained after --.
explain-example-row = For example: ./tunedock explain -- python train.py --epochs 1
program-is-no-python = The program begins with { $program }, which is not a Python interpreter.
write-interpreter-first = Write the interpreter first, for example: ./tunedock explain -- python train.py --epochs 1. Where a launcher starts your program, let it start the probe: accelerate launch { $probe } train.py.
no-such-program = There is no program { $program }.
words-name-no-program = { $words } is not a program to run.

## bench and check
no-such-benchmark = There is no benchmark { $name }. There are: { $names }.
name-benchmark = Give the name of a benchmark. There are: { $names }.
see-bench-help-row = See: ./tunedock bench { $name } --help
check-usage = The command check takes only --json, and not { $seen }.
check-verdict-label = { $verdict ->
    [ok] ok
   *[failed] FAILED
} ({ $time })
