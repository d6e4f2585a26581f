"""Train, then evaluate, in two commands on the whole real service; what happens when the training fails."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.stack import TINY_MODEL, LiveStack, live_stack

TRAIN = ("train", "--dataset", "messages.jsonl", "--batch-size", "4", "--max-steps", "4", "--detach")
EVALUATE = ("evaluate", "--dataset", "messages.jsonl", "--adapter", "last", "--detach")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("order")
    (folder / "datasets").mkdir()
    rows = [{"text": f"see you at {number}", "label": "ab"[number % 2]} for number in range(40)]
    (folder / "datasets" / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with live_stack(folder) as stack:
        yield stack


def said(stack: LiveStack, *words: str) -> str:
    done = stack.command(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def two_commands(stack: LiveStack, *more: str) -> tuple[str, str]:
    """The ids of a training and of its evaluation, which wait in a queue that is paused."""
    stack.client.order_queue("pause")
    training = said(stack, *TRAIN, *more).split()[0]
    told = said(stack, *EVALUATE)
    evaluation = told.split()[0]
    assert f"{evaluation} starts after {training}" in told
    return training, evaluation


def test_a_training_and_its_evaluation_are_two_commands(stack: LiveStack) -> None:
    training, evaluation = two_commands(stack)
    looked_at = {"kind": "load_diagnostic", "model": TINY_MODEL, "trial_load": False}
    urgent = stack.client.submit(looked_at | {"priority": 3}).id
    last = stack.client.submit(looked_at | {"after": [evaluation]}).id
    assert stack.client.job(training).queue_position == 2
    assert f"{training} is queued, place 1" in said(stack, "move", training[:14], "--first")
    stack.client.move(training, {"behind": urgent})
    listed = json.loads(said(stack, "jobs", "--status", "queued", "--json"))
    assert [job["id"] for job in listed] == [urgent, training, evaluation, last]
    stack.client.order_queue("resume")
    records = {job_id: stack.until_ended(job_id) for job_id in (urgent, training, evaluation, last)}
    assert [record.status for record in records.values()] == ["succeeded"] * 4
    times = [(record.started_at or 0, record.finished_at or 0) for record in records.values()]
    assert all(one[1] <= following[0] for one, following in pairwise(times))
    assert records[evaluation].request["adapter"] == (records[training].result or {})["fine_tuned_model"]
    assert "accuracy" in (records[evaluation].result or {})


def test_an_evaluation_says_that_its_training_failed(stack: LiveStack) -> None:
    training, evaluation = two_commands(stack, "--lora-target-modules", "no_such_layer")
    stack.client.order_queue("resume")
    assert stack.until_ended(training).status == "failed"
    assert stack.client.job(evaluation).status == "cancelled"  # at once
    told = said(stack, "show", evaluation)
    assert f"was cancelled (dependency_failed): It was to run after job {training}, which failed." in told
