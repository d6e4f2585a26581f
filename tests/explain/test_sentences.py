"""The probe's table of sentences: each is used, with its values, and nothing is said outside it."""

import ast
import string

import pytest

from services.cli.explain.command import PROBE

TREE = ast.parse(PROBE.read_text(encoding="utf-8"))


def table(name: str) -> dict[str, str]:
    for node in TREE.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ):
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise AssertionError(f"{PROBE.name} has no table {name}")


SENTENCES = table("SENTENCES")
USES = [
    (node.lineno, node.args[0], {keyword.arg for keyword in node.keywords})
    for node in ast.walk(TREE)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sentence"
]


def test_every_sentence_is_used() -> None:
    texts = [node.value for node in ast.walk(TREE) if isinstance(node, ast.Constant)]
    assert [key for key in SENTENCES if texts.count(key) < 2] == []


@pytest.mark.parametrize("use", USES, ids=lambda use: f"line {use[0]}")
def test_a_sentence_gets_its_values(use: tuple[int, ast.expr, set[str | None]]) -> None:
    _, named, values = use
    if (
        isinstance(named, ast.Constant) and None not in values
    ):  # others are put together where a check is made
        wanted = {field for _, field, _, _ in string.Formatter().parse(SENTENCES[str(named.value)]) if field}
        assert values == wanted


def test_sentences_are_whole() -> None:
    verdicts = [text for key, text in SENTENCES.items() if key in VERDICTS]
    assert len(verdicts) == len(VERDICTS)
    assert [text for text in verdicts if not (text[0].isupper() or text[0] == "{") or text[-1] != "."] == []


VERDICTS = (
    "padding", "uneven-rows", "recomputation", "fp32-compute", "slow-data-loader", "evaluation-too-often",
    "saving-too-often", "logging-too-slow", "host-bound", "processor-limit", "neighbours",
    "too-many-threads", "swap", "throttled", "nothing-slow", "no-training", "no-whole-step", "pickle-weights",
    "slow-reading", "quantizing-at-load", "load-healthy", "load-imports", "no-load", "slow-workers",
    "bf16-not-faster",
)  # fmt: skip


def test_nothing_is_printed_that_is_not_in_the_table() -> None:
    """`print` gets no text of its own."""
    printed = [
        node.args[0]
        for node in ast.walk(TREE)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printed
    assert [ast.unparse(text) for text in printed if isinstance(text, ast.Constant | ast.JoinedStr)] == []
