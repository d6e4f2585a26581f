"""What ended jobs came to, in words."""

from pathlib import Path
from typing import Any

import pytest

from services.cli.outcome.evaluated import compared_text, confusions
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.outcome.place import in_compose
from shared.reports.evaluation import ConfusionMatrix
from shared.schemas.records import JobRecord
from shared.settings import Settings
from tests.stored_samples import RECORDS, stored, told

HERE = Place(data_dir=Path("/data"))
ID = "ftjob-" + "a" * 24
TRAINED: dict[str, Any] = {
    "fine_tuned_model": "ft:m:demo:" + "a" * 24, "rows": 317, "skipped_rows": 3, "truncated_rows": 2,
    "read_rows": 320, "rendered_tokens": 10_000, "lost_tokens": 50, "answers": 317, "lost_answers": 1,
    "cut_answers": 1, "skipped_reasons": [
        {"reason": "the template refuses them", "rows": 2}, {"reason": "nothing to learn", "rows": 1},
    ],
    "steps": 24, "train_loss": 0.25, "first_train_loss": 2.5, "max_seq_length": 128,
    "validation": [{"step": 12, "loss": 0.2}, {"step": 24, "loss": 0.3}],
    "training_seconds": 48.0, "trained_tokens": 9600, "target_tokens": 1200, "resumed_from_step": 8,
    "predictions": [],
}  # fmt: skip


def record(kind: str, result: dict[str, Any] | None, status: str = "succeeded", **fields: Any) -> JobRecord:
    request = {"kind": kind, "model": "org/m"} | fields.pop("request", {})
    times = {"created_at": 0.0, "queued_at": 0.0, "started_at": 0.0, "finished_at": 65.0}
    return JobRecord.model_validate(
        {"id": ID, "kind": kind, "status": status, "request": request, "result": result, **times, **fields}
    )


@pytest.mark.parametrize(
    ("steps", "ratio", "said"),
    [
        (1, 0.03, "so the adapter has learned nothing"),
        (2, 0.03, "so step 2 began with the same weights"),
        (2, 0.0, None),
        (3, 0.03, None),
    ],
)
def test_a_loss_that_the_warm_up_kept_still_is_explained(steps: int, ratio: float, said: str | None) -> None:
    kept = stored("fine_tuning_record")
    kept["result"] |= {"steps": steps, "first_train_loss": 6.6233, "train_loss": 6.6233}
    kept["request"]["hyperparameters"]["warmup_ratio"] = ratio
    text = outcome_text(JobRecord.model_validate(kept), Place(data_dir=Path("/srv/tunedock/data")))
    assert ("warms up from 0" in text) == (said is not None)
    assert (said or "") in text


def test_a_constant_rate_never_warms_up() -> None:
    kept = stored("fine_tuning_record")
    kept["result"] |= {"steps": 1, "first_train_loss": 6.6233, "train_loss": 6.6233}
    kept["request"]["hyperparameters"] |= {"warmup_ratio": 0.03, "lr_scheduler_type": "constant"}
    text = outcome_text(JobRecord.model_validate(kept), Place(data_dir=Path("/srv/tunedock/data")))
    assert "warms up" not in text


@pytest.mark.parametrize("name", RECORDS)
def test_a_stored_record_is_told_as_it_was_when_it_was_stored(name: str) -> None:
    ended = JobRecord.model_validate(stored(name))
    assert outcome_text(ended, Place(data_dir=Path("/srv/tunedock/data"))) == told(name)


def test_how_long_the_longest_row_is_stands_beside_where_rows_were_cut() -> None:
    text = outcome_text(record("fine_tuning", TRAINED | {"longest_tokens": 812}), HERE)
    assert "2 rows cut at 128 tokens (the longest has 812): 50 of 10,000 tokens lost" in text


def test_a_training_says_what_was_reached_where_it_is_and_what_to_do_next() -> None:
    rows = {"validation_dataset": "my rows", "format": "chat", "columns": {"messages": "turns"}}
    text = outcome_text(record("fine_tuning", TRAINED, request=rows), HERE)
    assert text == (
        "org/m was fine-tuned on 317 rows.\n"
        "  loss        2.5000 → 0.2500, in the first and the last of 24 steps\n"
        "  validation  0.2000 after step 12 → 0.3000 after step 24; the lowest was 0.2000 after step 12\n"
        "  rows        317 learned from, made of the 320 that were read\n"
        "              3 rows skipped: the template refuses them (2); nothing to learn (1)\n"
        "              2 rows cut at 128 tokens: 50 of 10,000 tokens lost (0.5%), 1 of 317 answers not "
        "learned at all, 1 not learned to their end\n"
        "  tokens      9,600 read, 1,200 of them learned\n"
        "  time        1 min 5 s in all; 2 s a step on average, 200 tokens/s\n"
        "  resumed     the last attempt continued from the checkpoint of step 8\n"
        f"  model id    ft:m:demo:{'a' * 24}\n"
        f"  adapter     /data/jobs/{ID}/adapter\n"
        "\n"
        "Next:\n"
        "  To compare the model with its base model on the validation rows:\n"
        "    ./tunedock evaluate --dataset 'my rows' --format chat --column=messages=turns "
        f"--adapter ft:m:demo:{'a' * 24} --compare\n"
        "  To download the adapter, for peft or vLLM:\n"
        f"    ./tunedock download {ID} adapter-aaaaaaaa\n"
        "  To see where the time of the training went, with pictures, in one file to open or pass on:\n"
        f"    ./tunedock report {ID} --html report.html"
    )


def test_hints_name_a_service_elsewhere_and_no_folder_of_it() -> None:
    text = outcome_text(record("fine_tuning", TRAINED), Place(None, server="http://gpu:8080"))
    assert f"download {ID} adapter-aaaaaaaa --server http://gpu:8080" in text
    assert f"on the server, in jobs/{ID}/adapter of its data folder" in text


def test_hints_in_the_api_s_container_work_outside_it(tmp_path: Path) -> None:
    place = Place(Path("/data"), is_compose=True)
    assert place.page_command(ID) == f"docker compose exec -T api tunedock report {ID} --html - > report.html"
    assert place.download_command(ID, "mine") == f"docker compose cp api:/data/jobs/{ID}/adapter mine"
    assert place.command("show", ID) == f"docker compose exec api tunedock show {ID}"
    assert in_compose(Settings(grafana_password_file=tmp_path / "password"))
    assert not in_compose(Settings())


def test_a_failure_says_what_to_do() -> None:
    error = {"code": "disk_full", "message": "No space.", "remedy": "Free some."}
    text = outcome_text(record("fine_tuning", None, "failed", error=error), HERE)
    assert text.splitlines()[:2] == [f"{ID} failed (disk_full): No space.", "Free some."]


def evaluation(loss: float, matrix: list[list[int]]) -> dict[str, Any]:
    scores = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 4}
    right = sum(matrix[index][index] for index in range(len(matrix)))
    return {
        "rows": 8, "skipped_rows": 1, "max_seq_length": 64, "loss": loss, "accuracy": right / 8,
        "labels": {"햄": scores, "spam": scores}, "macro": {"f1": 1 / 3}, "evaluation_seconds": 2.0,
        "confusion_matrix": {"labels": ["햄", "spam"], "rows": matrix},
    }  # fmt: skip


def test_an_evaluation_says_loss_accuracy_labels_and_confusion() -> None:
    text = outcome_text(record("evaluation", evaluation(1.5, [[3, 1], [2, 2]])), HERE)
    assert text == (
        "org/m on 8 rows\n"
        "  loss      1.5000\n"
        "  accuracy  62.5% (5 of 8 right)\n"
        "  macro F1  0.333\n"
        "  rows      1 row skipped: nothing to learn within 64 tokens\n"
        "  time      2 s\n"
        "\n"
        "  label  precision  recall     F1  rows\n"
        "  햄         0.500   0.250  0.333     4\n"
        "  spam       0.500   0.250  0.333     4\n"
        "\n"
        "  true ↓  answered →  햄  spam\n"
        "  햄                   3     1\n"
        "  spam                 2     2"
    )


def test_before_and_after_stand_side_by_side() -> None:
    before, after = evaluation(2.0, [[1, 3], [4, 0]]), evaluation(1.5, [[3, 1], [2, 2]])
    text = compared_text(record("evaluation", before), before, record("evaluation", after), after)
    assert "  loss      2.0000  1.5000  -0.5000\n" in text
    assert "  accuracy  0.1250  0.6250  +0.5000\n" in text


def test_of_many_labels_the_most_frequent_mistakes_are_told() -> None:
    labels = [f"l{number}" for number in range(20)]
    rows = [[10 * (true == answer) for answer in range(20)] for true in range(20)]
    rows[3][4], rows[5][6] = 2, 7
    assert confusions(ConfusionMatrix.model_validate({"labels": labels, "rows": rows})) == [
        "Most frequent mistakes:",
        "  7 × l5 answered as l6",
        "  2 × l3 answered as l4",
    ]


def test_an_evaluation_without_labels_says_its_loss() -> None:
    result = {"rows": 3, "skipped_rows": 0, "loss": 2.0, "evaluation_seconds": 1.0}
    assert outcome_text(record("evaluation", result), HERE).splitlines()[:2] == [
        "org/m on 3 rows",
        "  loss  2.0000",
    ]


def test_a_preparation_says_what_it_brought() -> None:
    result = {
        "model": "m", "artifact": "a", "converted": True, "source_bytes": 10**9, "artifact_bytes": 3 * 10**8,
        "save_seconds": 4.0, "load": {"before_seconds": 9.1, "after_seconds": 1.2, "limit_seconds": 0.9},
        "text": "The report.",
    }  # fmt: skip
    lines = outcome_text(record("model_preparation", result), HERE).splitlines()
    assert lines[:6] == [
        "m is prepared.",
        "  copy       1.00 GB became 300 MB, written in 4.00 s",
        "  pickles    converted to safetensors",
        "  cold load  9.10 s → 1.20 s; the disk's limit is 0.90 s",
        "",
        "The report.",
    ]
    assert lines[-1] == f"    ./tunedock report {ID} --html report.html"


def test_a_result_of_another_release_is_shown_as_it_is() -> None:
    assert outcome_text(record("evaluation", {"rows": {}, "x": 1}), HERE) == '{\n  "rows": {},\n  "x": 1\n}'


def test_a_dry_run_says_what_training_would_take_and_names_no_model() -> None:
    result = {
        "dry_run": True, "model": "tiny", "rows": 100, "truncated_rows": 10, "steps": 7, "rows_per_step": 16,
        "tokens": {
            "rows": 100, "real_tokens": 4000, "computed_tokens": 4400, "target_tokens": 100, "mean": 40.0,
            "p50": 38, "p95": 60, "longest": 64,
        },
        "plan": {"name": "auto", "tokens_per_micro_batch": 1024, "gradient_checkpointing": False,
                 "own_layers": True, "off": {"weights": "too large"}},
        "memory": {"weights": 10**9, "activations": 10**8, "peak": 2 * 10**9, "limit": 10**9},
        "step_seconds": 1.5, "run_seconds": 10.5,
    }  # fmt: skip
    text = outcome_text(record("fine_tuning", result, request={"dry_run": True}), HERE)
    assert "Nothing was trained" in text
    assert "100 learned from, 10% of them cut" in text
    assert "1.50 s a step" in text
    assert "2.00 GB (predicted), more than the available 1.00 GB" in text
    assert "weights 1.00 GB and activations 100 MB" in text
    assert "too large" in text
    assert "evaluate" not in text
    result["memory"] = {}
    del result["step_seconds"]
    assert "not predicted" in outcome_text(record("fine_tuning", result), HERE)
