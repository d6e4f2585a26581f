"""The benchmark of predictions: jobs that differ, rows that are what they are called, misses marked."""

import json
from pathlib import Path

from bench.prediction_jobs import JOBS, make_rows
from bench.predictions import MESSAGES, table
from shared.reports.fine_tuning import Training
from shared.reports.stored import read_stored
from shared.reports.training_facts import Prediction


def test_there_are_at_least_eight_jobs_that_differ() -> None:
    assert len({repr(job) for job in JOBS.values()}) >= 8
    assert {job.mix for job in JOBS.values()} == {"short", "mixed", "long"}
    assert {job.model for job in JOBS.values()} == {"demo", "small"}


def test_rows_are_as_long_as_their_mix_says_and_the_same_each_time(tmp_path: Path) -> None:
    messages = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    words = dict[str, float]()
    for name in ("short", "mixed", "long"):
        paths = make_rows(JOBS[name], messages, tmp_path / name)
        rows = [json.loads(line) for line in paths["training"].read_text().splitlines()]
        assert len(rows) == JOBS[name].rows
        words[name] = sum(len(row["text"].split()) for row in rows) / len(rows)
    assert words["short"] < 20
    assert 100 < words["mixed"] < 400
    assert words["long"] >= 1000
    again = make_rows(JOBS["mixed"], messages, tmp_path / "again")
    assert again["training"].read_bytes() == (tmp_path / "mixed" / "training.jsonl").read_bytes()


def test_held_out_rows_are_not_trained_on(tmp_path: Path) -> None:
    job = JOBS["validated"]
    messages = [{"text": f"message {number}", "label": "ham"} for number in range(10_000)]
    paths = make_rows(job, messages, tmp_path)
    training, held_out = (paths[part].read_text().splitlines() for part in ("training", "validation"))
    assert (len(training), len(held_out)) == (job.rows - job.validation_rows, job.validation_rows)


def test_a_prediction_that_missed_its_bound_is_marked_and_counted() -> None:
    near = Prediction(quantity="step_seconds", predicted=1.0, measured=1.1)
    far = Prediction(quantity="peak_memory_bytes", predicted=1e9, measured=1.3e9)
    early = Prediction(quantity="run_seconds", predicted=10.0, measured=11.5, when="5 %")
    told = table({"short": read_stored(Training, {"predictions": [near, far, early]})})
    lines = told.splitlines()
    assert lines[2].split()[-1] == "+10.0%"
    assert lines[3].split()[-2:] == ["+30.0%", "*"]
    assert lines[4].split()[-2:] == ["+15.0%", "*"]
    assert "step_seconds (start): 1 of 1 jobs within 15%" in told
    assert "run_seconds (5 %): 0 of 1 jobs within 10%" in told
