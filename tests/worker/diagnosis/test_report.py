"""The report: data that survives JSON, and lines a person reads."""

import json

import pytest

from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.report import make_report
from shared.messages.message import say
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts, Target, TrialFailure, TrialLoad
from shared.reports.load_text import phase_lines
from shared.reports.machine import Latency, Memory, Rate, ReadSpeed
from shared.reports.model_files import FileHash, HubModel, PreparedCopy
from shared.units import duration, rate, size
from tests.worker.diagnosis.diagnosed import GB, SHARD, healthy, recorded, trial
from tests.worker.diagnosis.diagnosed import speed as measured_speed

MIDDLING = measured_speed(direct=5e8, buffered=5e8, mapped=5e8, latency=1e-4)


def report(facts: LoadFacts) -> LoadReport:
    return make_report(facts, run_checks(facts))


def test_a_report_survives_json() -> None:
    made = report(recorded("exaone_float32_on_a_hard_disk"))
    again = LoadReport.model_validate(json.loads(made.model_dump_json()))
    assert again == made
    assert again.schema_version == 1


def test_the_summary_has_the_numbers_a_dashboard_shows() -> None:
    summary = report(recorded("exaone_float32_on_a_hard_disk")).summary
    assert summary.weight_bytes == 9_621_340_000
    assert round(summary.limit_seconds or 0, 1) == 63.7
    assert round(summary.shard_seconds or 0, 2) == 31.96
    assert round(summary.achieved_ratio or 0, 3) == 1.002
    assert summary.total_seconds == 66.72


def test_the_records_result_is_short_and_carries_the_text() -> None:
    result = report(recorded("exaone_float32_on_a_hard_disk")).result()
    assert (result["load_seconds"], round(result["limit_seconds"], 1)) == (66.72, 63.7)
    assert result["findings"][0] == {
        "id": "bandwidth-bound",
        "severity": "warning",
        "title": {"message_id": "bandwidth-bound-title", "values": {}},
    }
    assert result["text"].startswith("How LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct loads, ")
    assert len(json.dumps(result)) < 10_000


def test_the_lines_name_what_was_measured_the_limit_and_the_ranked_findings() -> None:
    text = report(recorded("exaone_float32_on_a_hard_disk")).text
    for expected in (
        "weights     2 files (safetensors), 9.62 GB",
        "parameters  2,405,327,360 × F32",
        "cache       /cache/hub (decided by HF_HOME)",
        "disk        sdb, reported as rotating (like a hard disk)",
        "cold reads  direct 149 MB/s, buffered 151 MB/s",
        "4 KiB reads 9.1 ms in the median; 95% take at most 14.8 ms",
        "load        to cuda:0; 0 bytes of 9.62 GB were in memory before",
        "limit       9.62 GB ÷ 151 MB/s = 63.7 s",
        "achieved    100% of the limit",
        "a shard     32.0 s (2 of them)",
        "1. WARNING bandwidth-bound: ",
        "2. WARNING wide-dtype: ",
        "This saves about 53.0 s.",
        "This saves about 45.9 s; a load then takes 20.8 s.\n       The new disk is assumed to",
        "unset HF_ENABLE_PARALLEL_LOADING",
    ):
        assert expected in text
    assert "\x1b" not in text


def test_phases_are_bars_that_begin_in_one_column() -> None:
    lines = phase_lines(trial(resolve=1.0, read=120.0, deserialize=0.001, quantize=30.0, move=2.0, rest=0.0))
    assert [line.split()[0] for line in lines] == [
        "resolve",
        "read",
        "deserialize",
        "quantize",
        "move",
        "rest",
        "total",
    ]
    assert len({line.index(" s") for line in lines}) == 1
    assert len({line.index("#") for line in lines if "#" in line}) == 1
    bars = [line.count("#") for line in lines]
    assert bars[1] == max(bars) == 4 * bars[3]
    assert bars[5] == bars[6] == 0


def test_a_load_of_no_measurable_time_has_no_bars() -> None:
    assert not any("#" in line for line in phase_lines(trial(read=0.0, rest=0.0)))


def test_what_is_not_known_is_said_with_its_reason() -> None:
    nothing = Rate(reason=say("no-cold-reads-piece"))
    speed = ReadSpeed(
        direct=nothing,
        buffered=nothing,
        mapped=nothing,
        warm=nothing,
        small=Latency(reason=say("no-direct-reads-piece")),
    )
    facts = healthy(
        read_speed=speed,
        trial=None,
        memory=Memory(unknown={"total_bytes": say("meminfo-unreadable-piece", error="away")}),
    )
    text = report(facts).text
    assert "direct unknown (a memory filesystem has no cold reads)" in text
    assert "4 KiB reads unknown: this system has no O_DIRECT" in text
    assert "load        not tried" in text
    assert text.endswith("Not known\n   memory: total_bytes: /proc/meminfo: away")
    assert report(facts).summary.limit_seconds is None


def test_a_reason_that_all_measurements_share_is_said_once() -> None:
    nothing = Rate(reason=say("too-few-bytes-piece", count=511))
    speed = ReadSpeed(
        direct=nothing, buffered=nothing, mapped=nothing, warm=nothing, small=Latency(reason=nothing.reason)
    )
    text = report(healthy(read_speed=speed)).text
    assert "\nreads       unknown: 511 bytes are too few to measure a rate\n" in text
    assert text.count("too few to measure") == 1


def test_what_the_hub_did_not_say_and_hashes_that_were_not_compared_are_not_known() -> None:
    hashes = [FileHash(name="config.json", named_by="hub", matches=True)]
    hashes += [
        FileHash(name=f"{n}.safetensors", named_by="hub", reason=say("hashing-slow-piece", limit_seconds=10))
        for n in range(7)
    ]
    text = report(
        healthy(
            hub=HubModel(unknown=say("hub-silent-piece", hub="The hub", limit_seconds=4)),
            hashes=tuple(hashes),
        )
    ).text
    _, unknown = text.split("Not known\n")
    assert unknown.splitlines() == [
        "   hub: The hub did not answer within 4.00 s",
        *(f"   hash of {n}.safetensors: hashing everything takes longer than 10.0 s" for n in range(5)),
        "   the hashes of 2 more files",
    ]
    assert "config.json" not in text


def test_a_remedy_that_saves_nothing_is_told_so() -> None:
    slower = trial(
        read=2.0, quantize=12.0
    )  # than the limit: a bfloat16 copy is predicted to be read in 2.1 s
    wide = SHARD.model_copy(update={"bytes": int(6.3 * GB)})
    facts = healthy(
        checkpoint__files=(wide,), checkpoint__dtype_parameters={"F32": 800_000_000},
        checkpoint__bfloat16_bytes=int(6.3 * GB) // 2, read_speed=MIDDLING, trial=slower,
    )  # fmt: skip
    assert "This saves nothing; a load then takes 18.3 s." in report(facts).text


def loaded_thrice(warm: TrialLoad) -> LoadReport:
    """Cold in ten seconds, of which six are reading; then `warm`; then from the copy in one second."""
    cold = trial(resolve=0.5, read=5.0, deserialize=1.0, quantize=3.0, rest=0.5)
    copy = trial(cached_bytes_before=GB, weight_bytes=GB, resolve=0.5, rest=0.5)
    kept = PreparedCopy(folder="/data/models/name-nf4", bytes=GB)
    data = Target(name="data", folder="/data/models", limit_bytes_per_second=1e9)
    return report(healthy(trial=cold, warm=warm, copy_in_use=kept, prepared=(copy,), targets=(data,)))


def test_storage_is_what_reading_takes_longer_cold_than_warm() -> None:
    warm = trial(int(1.6 * GB), resolve=0.5, read=0.0, deserialize=0.8, quantize=5.0, rest=0.5)
    made = loaded_thrice(warm)
    assert made.summary.storage_seconds == pytest.approx(5.2)  # not 3.2: quantizing took longer this time
    assert made.summary.quantize_seconds == pytest.approx(5.8)
    assert (
        "made of     storage 5.20 s, quantizing and casting 5.80 s, and fixed 1.00 s (2.00 s more than the "
        "cold load: other phases were slower in the other runs)" in made.text
    )


def test_no_storage_limits_a_load_out_of_memory() -> None:
    made = loaded_thrice(trial(int(1.6 * GB), resolve=0.5, deserialize=0.8, quantize=5.0, rest=0.5))
    assert {run.name: run.limit_seconds is not None for run in made.summary.runs} == {
        "cold": True, "warm": False, "prepared": False,
    }  # fmt: skip
    (line,) = [line for line in made.text.splitlines() if line.startswith(f"{'':12}warm ")]
    assert "limit" not in line


def test_a_warm_load_slower_than_the_cold_one_is_no_word_that_storage_takes_nothing() -> None:
    made = loaded_thrice(trial(int(1.6 * GB), resolve=0.5, deserialize=1.0, quantize=21.0, rest=0.5))
    assert made.summary.storage_seconds is None
    assert made.summary.quantize_seconds == pytest.approx(4.0)
    assert "made of     The warm load took at least as long as the cold one" in made.text
    assert "storage 0" not in made.text
    assert "made of     quantizing and casting 4.00 s, fixed 1.00 s, and not separated 5.00 s" in made.text


def test_a_healthy_model_is_told_so() -> None:
    assert report(healthy()).text.endswith("Findings: none")


TOO_SMALL = say("safetensors-too-short", file="model.safetensors", bytes=5)


def test_a_failed_trial_is_told_in_place_of_the_load() -> None:
    facts = healthy(trial=None, trial_failure=TrialFailure(code="c", message=TOO_SMALL, remedy=TOO_SMALL))
    assert (
        "load        failed: model.safetensors is not a safetensors file: 5 bytes are too few."
        in report(facts).text
    )
    assert "1. ERROR failed-trial" in report(facts).text


def test_a_resident_models_load_is_told_as_past() -> None:
    resident = trial(read=1.0).model_copy(update={"source": "resident", "cached_bytes_before": None})
    assert "in the memory of cuda:0 already" in report(healthy(trial=resident)).text


def test_a_trial_of_a_converted_copy_is_told_as_such_and_not_set_against_the_limit() -> None:
    made = report(healthy(trial=trial(read=1.0).model_copy(update={"folder": "/data/models/copy"})))
    assert "load        from the safetensors copy in /data/models/copy to cuda:0; " in made.text
    assert made.summary.achieved_ratio is None
    assert report(healthy()).summary.achieved_ratio is not None


def test_numbers_read_as_people_say_them() -> None:
    assert [size(count) for count in (0, 999, 213_000, 1.63e9, 128e9)] == [
        "0 bytes",
        "999 bytes",
        "213 kB",
        "1.63 GB",
        "128 GB",
    ]
    assert [rate(count) for count in (1.5e6, 151e6, 3.2e9)] == ["1.5 MB/s", "151 MB/s", "3.20 GB/s"]
    assert [duration(seconds) for seconds in (0.0041, 0.42, 63.72)] == ["4.1 ms", "0.42 s", "63.7 s"]
