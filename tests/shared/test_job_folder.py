"""The names in a job's folder are spelled in one module, and are those of the folders that are on disks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared.job_folder import JobFolder
from shared.settings import PROJECT_ROOT

HOME = PROJECT_ROOT / "shared" / "job_folder.py"
# In any string: nothing else is called so.
OWN_NAMES = re.compile(
    r"^(spec\.json|report\.json|events\.jsonl|adapter-llama|adapter\.damaged|delete-(job|model))$"
    r"|^step-($|[*(\\\[\d])|ckpt\.tmp|adapter\*?\.tmp|tokens\.tmp|\.rejected-|^jobs/|^attempts/|^checkpoints/"
)
# After a `/` between paths: as words of their own they mean other things, too.
AS_PARTS = {"jobs", "rows", "tokens", "attempts", "checkpoints", "adapter", "start", "accepted"}


def test_no_other_module_spells_a_name_in_a_jobs_folder() -> None:
    spelled = [
        f"{path.relative_to(PROJECT_ROOT)}:{line}: {text!r}"
        for top in ("services", "shared")
        for path in sorted((PROJECT_ROOT / top).rglob("*.py"))
        if path != HOME
        for line, text in _spelled(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert spelled == []


def _spelled(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            if isinstance(node.right, ast.Constant) and node.right.value in AS_PARTS:
                yield node.lineno, str(node.right.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and OWN_NAMES.search(node.value):
            yield node.lineno, node.value


def test_the_names_are_those_of_folders_that_earlier_versions_wrote() -> None:
    folder = JobFolder.of(Path("data"), "ftjob-1")
    attempt = folder.attempt(2)
    found = [
        folder.spec, folder.accepted, folder.rows_of("training"), folder.start, folder.tokens,
        folder.adapter, folder.damaged_adapter, folder.report, folder.result, folder.checkpoint(40),
        attempt.journal, attempt.tokens_draft, attempt.checkpoint_draft(40), attempt.adapter_draft("adapter"),
    ]  # fmt: skip
    assert [str(path.relative_to("data/jobs/ftjob-1")) for path in found] == [
        "spec.json", "accepted", "rows/training.jsonl", "start", "tokens",
        "adapter", "adapter.damaged", "report.json", "result.json", "checkpoints/step-40",
        "attempts/2/events.jsonl", "attempts/2/tokens.tmp", "attempts/2/ckpt.tmp-40",
        "attempts/2/adapter.tmp",
    ]  # fmt: skip


def test_checkpoints_come_by_their_steps_without_those_set_aside(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    for step in (100, 20, 3):
        folder.checkpoint(step).mkdir(parents=True)
    aside = folder.rejected_checkpoint(20, attempt=2)
    aside.mkdir()
    assert folder.rejected_checkpoint(20, attempt=2).name == "step-20.rejected-2-2"
    assert [step for step, _ in folder.checkpoints_by_step()] == [3, 20, 100]
    assert aside in folder.all_checkpoints()
    assert list(folder.only_for_attempts()) == [aside]


def test_the_drafts_of_every_attempt_are_found(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    first, second = folder.attempt(1), folder.attempt(2)
    drafts = [
        first.checkpoint_draft(5), first.tokens_draft, second.adapter_draft("adapter"),
        second.adapter_draft("adapter-llama"),
    ]  # fmt: skip
    for draft in drafts:
        draft.mkdir(parents=True)
    second.journal.touch()
    assert sorted(folder.drafts()) == sorted(drafts)
