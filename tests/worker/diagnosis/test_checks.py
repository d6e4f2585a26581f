"""Each cause yields its finding and no other warning; a healthy model yields none."""

import subprocess
import sys
from typing import Any

import pytest

from services.worker.diagnosis.checks import CHECKS, checks_table, run_checks
from services.worker.diagnosis.checks.ranking import ranked
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.load_facts import LoadFacts, Target, TrialFailure, TrialLoad
from shared.reports.machine import DiskActivity, Memory, Pressure, Rate
from shared.reports.model_files import (
    CacheCopy,
    CachedProposal,
    CacheVariable,
    FileHash,
    HubModel,
    PreparedCopy,
    UnfinishedFile,
    WeightFile,
)
from shared.reports.storage import BlockDevice, Storage
from tests.worker.diagnosis.diagnosed import (
    GB,
    SHARD,
    action_of,
    changed,
    evidence_of,
    healthy,
    recorded,
    speed,
    trial,
)

PICKLE = WeightFile(name="pytorch_model.bin", format="pickle", bytes=2 * GB, opened=True)
BECAUSE = say("other-size-piece", count=5, expected=6)
TORN = SHARD.model_copy(update={"problem": "model.safetensors: truncated"})
HARD_DISK = speed(direct=140e6, buffered=150e6, mapped=148e6, latency=0.009)
FLOAT32 = {
    "checkpoint__files": (SHARD.model_copy(update={"bytes": int(3.2 * GB)}),),
    "checkpoint__dtype_parameters": {"F32": 800_000_000},
}


def variable(name: str, value: str, effect: str = "ignored") -> CacheVariable:
    return CacheVariable.model_validate({"name": name, "value": value, "effect": effect, "reason": BECAUSE})


def lying_on(storage_class: str, filesystem: str, **fields: Any) -> Storage:
    place = {"path": "/m", "real_path": "/m", "mount_point": "/m", "source": "x"}
    return Storage.model_validate(place | {"storage_class": storage_class, "filesystem": filesystem} | fields)


def hashed(name: str, matches: bool | None) -> FileHash:
    return FileHash(name=name, named_by="hub", matches=matches, reason=None if matches else BECAUSE)


def changed_trial(**changes: Any) -> TrialLoad:
    return trial(read=3.0, deserialize=0.2, quantize=0.4).model_copy(update=changes)


MIDDLING = speed(direct=5e8, buffered=5e8, mapped=5e8, latency=1e-4)
UNEVEN = MIDDLING.model_copy(
    update={"direct": Rate(bytes_per_second=5e8, slowest_bytes_per_second=1e8, read_bytes=GB)}
)
SWAPPED = Memory(
    total_bytes=32 * GB, available_bytes=24 * GB, swap_total_bytes=8 * GB, swap_free_bytes=4 * GB
)
SLOW_REQUESTS = healthy(
    read_speed=speed(direct=400e6, buffered=520e6, mapped=52e6, latency=0.0025),
    memory=Memory(total_bytes=2 * GB, available_bytes=GB),
    trial=trial(read=0.0, deserialize=30.0, quantize=0.4),
)

# Cause → the finding it must yield, its severity, the facts.
CAUSES: list[tuple[str, str, LoadFacts]] = [
    ("incomplete-checkpoint", "error", healthy(checkpoint__problems=("no shard 2",), trial=None)),
    ("incomplete-checkpoint", "error", healthy(checkpoint__files=(TORN,), trial=None)),
    (
        "damaged-spare",
        "info",
        healthy(
            checkpoint__files=(SHARD, TORN.model_copy(update={"name": "b.safetensors", "opened": False}))
        ),
    ),
    (
        "unfinished-download",
        "info",
        healthy(cache__unfinished=(UnfinishedFile(name="a.incomplete", bytes=5),)),
    ),
    (
        "unfinished-download",
        "error",
        healthy(
            cache__unfinished=(UnfinishedFile(name="a.incomplete", bytes=5),),
            checkpoint__problems=("no shard 2",),
            trial=None,
        ),
    ),
    (
        "failed-trial",
        "error",
        healthy(trial=None, trial_failure=TrialFailure(code="c", message=BECAUSE, remedy=BECAUSE)),
    ),
    (
        "damaged-copy",
        "warning",
        healthy(copy_in_use=PreparedCopy(folder="/data/models/x", bytes=5, problem=BECAUSE)),
    ),
    (
        "bandwidth-bound",
        "warning",
        healthy(
            read_speed=HARD_DISK, trial=trial(read=10.6, deserialize=0.2, quantize=0.4, resolve=0.2, rest=0.4)
        ),
    ),
    ("bandwidth-bound", "warning", healthy(read_speed=HARD_DISK, trial=None)),
    (
        "bandwidth-bound",
        "info",
        healthy(read_speed=speed(direct=5e8, buffered=5e8, mapped=5e8, latency=1e-4), trial=None),
    ),
    (
        "request-bound",
        "info",
        healthy(read_speed=speed(direct=400e6, buffered=520e6, mapped=52e6, latency=0.0025)),
    ),
    (
        "request-bound",
        "warning",
        SLOW_REQUESTS,
    ),
    (
        "busy-disk",
        "warning",
        healthy(
            disk_activity=DiskActivity(
                device="sda", window_seconds=1.0, busy_ratio=0.9, read_bytes_per_second=5e7
            )
        ),
    ),
    (
        "busy-disk",
        "warning",
        healthy(disk_activity=DiskActivity(window_seconds=1.0, stalled_ratio=0.6)),
    ),
    (
        "slow-mount",
        "warning",
        healthy(storage=lying_on("host share", "9p"), read_speed=HARD_DISK, trial=None),
    ),
    ("slow-mount", "warning", healthy(storage=lying_on("network", "nfs4"), read_speed=None)),
    ("slow-mount", "warning", healthy(storage=lying_on("fuse", "fuse.x"), read_speed=None)),
    ("slow-mount", "info", healthy(storage=lying_on("host share", "virtiofs"))),
    ("container-layer", "warning", healthy(storage=lying_on("layered", "overlay"))),
    (
        "container-layer",
        "info",
        healthy(storage=lying_on("layered", "overlay"), checkpoint__source="folder", disk_behind="sda"),
    ),
    ("memory-filesystem", "info", healthy(storage=lying_on("memory", "tmpfs"), read_speed=None)),
    ("wide-dtype", "info", healthy(**FLOAT32)),
    ("wide-dtype", "warning", healthy(**FLOAT32, read_speed=HARD_DISK, trial=None)),
    ("short-memory", "warning", healthy(memory=Memory(total_bytes=2 * GB, available_bytes=GB))),
    (
        "short-memory",
        "warning",
        healthy(memory=Memory(total_bytes=32 * GB, available_bytes=24 * GB, cgroup_limit_bytes=GB)),
    ),
    (
        "short-memory",
        "warning",
        healthy(memory=Memory(total_bytes=32 * GB, available_bytes=GB, cgroup_limit_bytes=16 * GB)),
    ),
    ("quantize-bound", "warning", healthy(trial=trial(read=0.7, deserialize=1.0, quantize=30.0, rest=0.5))),
    ("quantize-bound", "info", healthy(trial=trial(read=0.7, deserialize=1.0, quantize=3.0, rest=0.5))),
    ("fixed-costs", "warning", healthy(trial=trial(resolve=6.0, read=0.7, quantize=1.0, rest=20.0))),
    ("fixed-costs", "info", healthy(trial=trial(resolve=1.0, read=0.7, quantize=1.0, rest=4.0))),
    ("pickle-only", "warning", healthy(checkpoint__files=(PICKLE,))),
    (
        "pickle-only",
        "warning",
        healthy(checkpoint__files=(PICKLE.model_copy(update={"format": "legacy pickle"}),)),
    ),
    (
        "unused-formats",
        "info",
        healthy(checkpoint__files=(SHARD, PICKLE.model_copy(update={"opened": False}))),
    ),
    (
        "ignored-cache-variable",
        "warning",
        healthy(cache__variables=(variable("TRANSFORMERS_CACHE", "/fast"),)),
    ),
    (
        "ignored-cache-variable",
        "info",
        healthy(cache__variables=(variable("TRANSFORMERS_CACHE", "/fast"),), checkpoint__source="folder"),
    ),
    (
        "ignored-cache-variable",
        "warning",
        healthy(cache__variables=(variable("HUGGINGFACE_HUB_CACHE", "/fast", "outranked"),)),
    ),
    ("setting-without-effect", "info", healthy(cache__variables=(variable("SAFETENSORS_FAST_GPU", "1"),))),
    ("cached-twice", "info", healthy(cache__copies=(CacheCopy(folder="/old", bytes=GB),))),
    ("other-revisions", "info", healthy(cache__unreferenced_bytes=GB)),
    ("hub-asked", "info", healthy(cache__offline=False)),
    ("hub-asked", "warning", healthy(cache__offline=False, locate_seconds=12.0)),
    ("first-download", "info", healthy(checkpoint__source="hub", locate_seconds=90.0)),
    ("wrong-hash", "error", healthy(hashes=(hashed(SHARD.name, False), hashed("config.json", True)))),
    ("wrong-hash", "warning", healthy(hashes=(hashed(SHARD.name, None), hashed("tokenizer.json", False)))),
    (
        "conversion-leftover",
        "info",
        healthy(cache__proposals=(CachedProposal(revision="refs/pr/7", bytes=GB, safetensors=True),)),
    ),
    ("copied-revisions", "info", healthy(cache__linked=False)),
    ("uneven-speed", "info", healthy(read_speed=UNEVEN, trial=None)),
    ("slow-reading", "info", healthy(trial=trial(read=3.0, deserialize=1.0, quantize=0.4))),
    ("slow-reading", "warning", healthy(trial=trial(read=15.0, deserialize=1.0, quantize=0.4))),
    (
        "read-again",
        "warning",
        healthy(read_speed=MIDDLING, trial=changed_trial(storage_read_bytes=int(3.5 * GB))),
    ),
    (
        "busy-disk",
        "warning",
        healthy(disk_activity=DiskActivity(device="sda", busy_ratio=0.05, read_bytes_per_second=2e9)),
    ),
    (
        "processor-limit",
        "warning",
        healthy(pressure=Pressure(seconds=9.0, processor_limit=0.5, processor_throttled_ratio=0.8)),
    ),
    (
        "swapping",
        "warning",
        healthy(
            memory=SWAPPED, pressure=Pressure(seconds=9.0, swapped_in_bytes=GB, memory_stalled_ratio=0.3)
        ),
    ),
    ("swapping", "info", healthy(memory=SWAPPED)),
    (
        "slow-environment",
        "warning",
        healthy(
            environment=lying_on("host share", "9p"),
            trial=trial(resolve=1.0, read=9.0, quantize=1.0, rest=2.0),
        ),
    ),
    ("slow-environment", "info", healthy(environment=lying_on("network", "nfs4"))),
]
# What comes along by its nature, as a slow storage does with wide weights on it.
COMPANIONS = {
    "unfinished-download": {"incomplete-checkpoint"},
    "request-bound": {"short-memory"},
    "slow-mount": {"bandwidth-bound"},
    "wide-dtype": {"bandwidth-bound"},
}


def found(facts: LoadFacts, name: str) -> Finding:
    return {finding.id: finding for finding in run_checks(facts)}[name]


def test_a_healthy_model_has_no_finding() -> None:
    assert run_checks(healthy()) == []


@pytest.mark.parametrize(("name", "severity", "facts"), CAUSES, ids=lambda value: str(value)[:24])
def test_a_cause_yields_its_finding_with_evidence(name: str, severity: str, facts: LoadFacts) -> None:
    finding = found(facts, name)
    assert finding.severity == severity
    assert finding.title
    assert all(finding.evidence)


@pytest.mark.parametrize(("name", "severity", "facts"), CAUSES, ids=lambda value: str(value)[:24])
def test_a_cause_raises_no_other_alarm(name: str, severity: str, facts: LoadFacts) -> None:
    others = {finding.id for finding in run_checks(facts) if finding.severity != "info"} - {name}
    assert others <= COMPANIONS.get(name, set())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_is_in_the_table_of_causes_with_its_gravest_severity(check: Any) -> None:
    order = ("info", "warning", "error")
    seen = [finding for _, _, facts in CAUSES if (finding := check.run(facts)) is not None]
    assert seen, "no cause yields it"
    assert {finding.id for finding in seen} == {check.id}
    assert max(order.index(finding.severity) for finding in seen) == order.index(check.severity)
    assert {name for name, _, _ in CAUSES} == {check.id for check in CHECKS}


def test_the_table_for_the_readme_has_one_row_a_check() -> None:
    rows = checks_table()
    assert len({row[0] for row in rows}) == len(rows) == len(CHECKS)
    assert all(row[1] in ("info", "warning", "error") and row[2] for row in rows)


def test_facts_that_know_nothing_yield_no_alarm() -> None:
    unknown = Storage(path="/m", real_path="/m")
    facts = healthy(
        storage=unknown, read_speed=None, disk_activity=None, memory=Memory(), trial=None, locate_seconds=None
    )
    assert run_checks(facts) == []


def test_what_prevents_a_load_comes_first_then_the_largest_saving() -> None:
    facts = healthy(
        **FLOAT32,
        read_speed=HARD_DISK,
        trial=None,
        checkpoint__problems=("no shard 2",),
        cache__offline=False,
    )
    findings = run_checks(facts)
    assert findings[0].id == "incomplete-checkpoint"
    savings = [finding.saves_seconds or 0.0 for finding in findings[1:]]
    assert savings == sorted(savings, reverse=True)
    assert savings[0] > savings[-1]


def test_float32_on_a_hard_disk_is_first_a_matter_of_bandwidth_and_bytes() -> None:
    facts = recorded("exaone_float32_on_a_hard_disk")
    first, second = run_checks(facts)[:2]
    evidence = "\n".join(evidence_of(first))
    assert (first.id, first.severity) == ("bandwidth-bound", "warning")
    assert "9.62 GB ÷ 151 MB/s = 63.7 s. No load from this storage is faster." in evidence
    assert (
        "There are 2 shards, which take at least 31.9 s each. "
        "In the load they took 32.0 s each, 63.9 s in all." in evidence
    )
    assert "Reading took 63.6 s. That is 100% of the storage's speed." in evidence
    assert (
        "2,405,327,360 parameters × 4 bytes (F32) = 9.62 GB. With 2 bytes a parameter (BF16): 4.81 GB."
        in evidence
    )
    assert "hard disk" in evidence
    assert "Options of the loader can't help" in evidence
    assert second.id == "wide-dtype"


def test_the_savings_of_the_hard_disk_case_are_of_the_cold_load() -> None:
    facts = recorded("exaone_float32_on_a_hard_disk")
    savings = [remedy.saves_seconds for remedy in found(facts, "bandwidth-bound").remedies]
    stored, limit = facts.checkpoint.opened_bytes, 151e6
    assert facts.trial is not None
    reading, quantizing = (facts.trial.phase_seconds[phase] for phase in ("read", "quantize"))
    assert savings == [
        pytest.approx((stored - 1.63e9) / limit + quantizing),  # no data folder was measured
        pytest.approx(reading - stored / 550e6),
        pytest.approx(reading - 4_810_654_720 / limit),
        None,
    ]


def test_what_a_remedy_saves_and_what_a_load_then_takes_are_the_load_together() -> None:
    data = Target(name="data", folder="/data/models", limit_bytes_per_second=500e6)
    ssd = Target(name="ssd", folder="/mnt/ssd", limit_bytes_per_second=3e9)
    loaded = trial(weight_bytes=int(3.2 * GB), read=21.3, deserialize=0.2, quantize=30.0, rest=1.0)
    facts = healthy(
        **FLOAT32, read_speed=HARD_DISK, trial=loaded, targets=(data, ssd), intake_bytes_per_second=1e9
    )
    told = [r for f in run_checks(facts) for r in f.remedies if r.predicted_seconds is not None]
    assert {remedy.kind for remedy in told} == {"nf4_copy", "move_cache", None}
    for remedy in told:
        assert remedy.saves_seconds == pytest.approx(52.5 - (remedy.predicted_seconds or 0))


def test_a_copy_that_spares_reading_and_quantizing_is_ranked_by_both() -> None:
    data = Target(name="data", folder="/data/models", limit_bytes_per_second=140e6)
    loaded = trial(read=10.6, deserialize=0.2, quantize=8.0)
    facts = healthy(read_speed=HARD_DISK, trial=loaded, targets=(data,), intake_bytes_per_second=1e9)
    finding = found(facts, "bandwidth-bound")
    assert finding.remedies[0].kind == "nf4_copy"
    assert finding.remedies[0].saves_seconds == pytest.approx(18.8 - 0.5e9 / 140e6)


def test_without_a_cold_load_no_whole_load_is_predicted() -> None:
    warm = trial(cached_bytes_before=int(1.6 * GB), read=0.1, deserialize=0.2, quantize=12.0)
    data = Target(name="data", folder="/data/models", limit_bytes_per_second=140e6)
    facts = healthy(read_speed=HARD_DISK, trial=warm, targets=(data,), intake_bytes_per_second=1e9)
    for name in ("bandwidth-bound", "quantize-bound"):
        remedy = found(facts, name).remedies[0]
        assert remedy.predicted_seconds is None
        assert remedy.saves_seconds == pytest.approx(1.6e9 / 150e6 - 0.5e9 / 140e6 + 12.0)
        assert remedy.assumes == say("assumed-cold-files")


def test_a_load_that_the_disk_does_not_explain_is_not_bandwidth_bound() -> None:
    facts = healthy(read_speed=HARD_DISK, trial=trial(read=10.6, deserialize=30.0, quantize=40.0))
    assert "bandwidth-bound" not in {finding.id for finding in run_checks(facts)}


def test_a_load_far_below_the_limit_is_told_with_both_times_and_the_processors() -> None:
    slow = trial(read=3.0, deserialize=1.0, quantize=0.4).model_copy(update={"processor_wait_ratio": 0.8})
    assert evidence_of(found(healthy(trial=slow), "slow-reading")) == [
        "The phases read (3.00 s) and deserialize (1.00 s) took 4.00 s together. The storage needs "
        "1.60 GB ÷ 3.00 GB/s = 0.53 s.",
        "This process kept 1 processor busy on average.",
        "Programs waited for a processor in 80% of the time.",
    ]
    in_time = trial(read=0.9, deserialize=0.2, quantize=9.0)
    assert "slow-reading" not in {finding.id for finding in run_checks(healthy(trial=in_time))}


def test_a_slow_disk_is_found_although_quantizing_takes_even_longer() -> None:
    facts = healthy(read_speed=HARD_DISK, trial=trial(read=10.6, deserialize=0.2, quantize=40.0))
    assert [finding.id for finding in run_checks(facts)] == ["quantize-bound", "bandwidth-bound"]


def test_contention_for_processors_is_part_of_the_evidence() -> None:
    crowded = trial(read=0.7, quantize=30.0).model_copy(update={"processor_wait_ratio": 0.8})
    evidence = evidence_of(found(healthy(trial=crowded), "quantize-bound"))
    assert "Programs waited for a processor in 80% of the time." in evidence


def test_a_load_out_of_the_page_cache_says_nothing_about_the_disk() -> None:
    warm = trial(cached_bytes_before=int(1.6 * GB), read=0.0, deserialize=0.3, quantize=0.4)
    evidence = evidence_of(found(healthy(read_speed=HARD_DISK, trial=warm), "bandwidth-bound"))
    assert any("predicted" in sentence for sentence in evidence)
    assert not any("of the storage's speed" in sentence for sentence in evidence)


def test_a_trial_of_a_converted_copy_says_nothing_about_the_pickles_disk() -> None:
    copy = trial(read=10.6, deserialize=0.2).model_copy(update={"folder": "/data/models/name-safetensors"})
    facts = healthy(read_speed=HARD_DISK, trial=copy, checkpoint__files=(PICKLE,))
    evidence = evidence_of(found(facts, "bandwidth-bound"))
    assert any("predicted" in sentence for sentence in evidence)
    assert not any("of the storage's speed" in sentence or "In the load" in sentence for sentence in evidence)


def test_short_memory_names_the_limit_that_binds() -> None:
    machine = Memory(total_bytes=32 * GB, available_bytes=GB, cgroup_limit_bytes=16 * GB)
    container = Memory(total_bytes=32 * GB, available_bytes=24 * GB, cgroup_limit_bytes=GB)
    by_machine = found(healthy(memory=machine), "short-memory")
    by_container = found(healthy(memory=container), "short-memory")
    assert "The machine has 32.00 GB of memory, of which 1.00 GB are free." in evidence_of(by_machine)
    assert action_of(by_machine.remedies[0]).startswith("Free memory")
    assert "This container may use 1.00 GB of memory." in evidence_of(by_container)
    assert action_of(by_container.remedies[0]).startswith("Raise the container's memory limit")


def test_programs_that_wait_for_another_disk_do_not_make_this_one_busy() -> None:
    activity = DiskActivity(device="nvme0n1", window_seconds=1.0, busy_ratio=0.01, stalled_ratio=0.9)
    assert run_checks(healthy(disk_activity=activity)) == []


def test_integers_beside_the_weights_are_counted_with_their_own_bytes() -> None:
    facts = healthy(**FLOAT32 | {"checkpoint__dtype_parameters": {"F32": 800_000_000, "I64": 512}})
    assert "512 parameters × 8 bytes (I64)" in evidence_of(found(facts, "wide-dtype"))[0]


@pytest.mark.parametrize(
    ("revision", "command"),
    [
        ("abc", "hf download org/name --revision abc --force-download"),
        (None, "hf download org/name --force-download"),
    ],
)
def test_damaged_files_are_fetched_again_in_their_own_revision(revision: str | None, command: str) -> None:
    facts = healthy(checkpoint__files=(TORN,), checkpoint__revision=revision, trial=None)
    assert found(facts, "incomplete-checkpoint").remedies[0].command == command


def test_slow_reading_alone_is_not_called_a_hard_disk() -> None:
    share = speed(direct=140e6, buffered=150e6, mapped=148e6, latency=0.0008)
    evidence = evidence_of(found(healthy(read_speed=share, trial=None), "bandwidth-bound"))
    assert not any("hard disk" in sentence for sentence in evidence)


def test_a_quantized_checkpoint_is_not_offered_to_be_quantized() -> None:
    facts = healthy(read_speed=HARD_DISK, trial=None, checkpoint__quantized=True)
    assert not any(
        "quantized already" in action_of(remedy) for remedy in found(facts, "bandwidth-bound").remedies
    )


@pytest.mark.parametrize(("header_bytes", "offered"), [(20_000, False), (1_600_000_000, True)])
def test_a_bfloat16_copy_is_not_offered_for_the_sake_of_a_header(header_bytes: int, offered: bool) -> None:
    file = SHARD.model_copy(update={"bytes": SHARD.bytes + header_bytes})
    facts = healthy(read_speed=HARD_DISK, trial=None, checkpoint__files=(file,))
    actions = [action_of(remedy) for remedy in found(facts, "bandwidth-bound").remedies]
    assert any("bfloat16 copy" in action for action in actions) is offered


@pytest.mark.parametrize(("writable", "offered"), [(True, True), (None, True), (False, False)])
def test_a_bfloat16_copy_has_a_command_only_where_this_process_may_write_it(
    writable: bool | None, offered: bool
) -> None:
    facts = healthy(**FLOAT32, read_speed=HARD_DISK, trial=None, models_dir_writable=writable)
    (remedy,) = found(facts, "wide-dtype").remedies
    assert (remedy.command is not None) is offered
    assert remedy.saves_seconds


@pytest.mark.parametrize(("revision", "named"), [("v1", " --revision v1"), (None, "")])
def test_what_is_prepared_is_the_revision_that_was_asked_for(revision: str | None, named: str) -> None:
    ssd = Target(name="ssd", folder="/mnt/ssd", limit_bytes_per_second=3e9)
    facts = healthy(read_speed=HARD_DISK, trial=None, targets=(ssd,), wanted_revision=revision)
    commands = {remedy.kind: remedy.command for remedy in found(facts, "bandwidth-bound").remedies}
    assert commands["nf4_copy"] == f"./tunedock prepare org/name{named}"
    assert commands["move_cache"] == f"./tunedock prepare org/name{named} --move-cache-to ssd"


def test_read_ahead_is_offered_only_where_it_is_short() -> None:
    device = SLOW_REQUESTS.storage.block_device
    assert device is not None
    long = device.model_copy(update={"read_ahead_bytes": 4 * 1024**2})
    for there in (None, long):
        facts = changed(SLOW_REQUESTS, storage__block_device=there)
        assert found(facts, "request-bound").remedies == ()
    [remedy] = found(SLOW_REQUESTS, "request-bound").remedies
    assert remedy.command == "sudo blockdev --setra 8192 /dev/nvme0n1p2"


def test_read_ahead_is_set_where_the_filesystem_reads_not_on_the_disks_below() -> None:
    encrypted = BlockDevice(name="dm-0", device="254:0", disks=("sda", "sdb"))
    facts = changed(SLOW_REQUESTS, storage__block_device=encrypted)
    assert found(facts, "request-bound").remedies[0].command == "sudo blockdev --setra 8192 /dev/dm-0"


def test_files_are_read_beforehand_by_name_and_only_where_memory_holds_them() -> None:
    facts = changed(SLOW_REQUESTS, memory=healthy().memory, checkpoint__folder="/mnt/my models/name")
    remedy = found(facts, "request-bound").remedies[0]
    assert remedy.command == "(cd '/mnt/my models/name' && cat model.safetensors) > /dev/null"
    commands = [remedy.command or "" for remedy in found(SLOW_REQUESTS, "request-bound").remedies]
    assert not any("cat" in command for command in commands)


@pytest.mark.parametrize(
    ("source", "folder", "variable_name", "old"),
    [
        ("hub_cache", "/cache/hub/models--a--b/snapshots/c", "HF_HUB_CACHE", "/cache/hub/."),
        ("folder", "/mnt/c/my models/exaone", "TUNEDOCK_MODELS_DIR", "'/mnt/c/my models/.'"),
        ("prepared", "/srv/data/models/m", "TUNEDOCK_DATA_DIR", "/srv/data/."),
    ],
)
def test_moving_a_model_names_the_variable_that_decides_where_it_lies(
    source: str, folder: str, variable_name: str, old: str
) -> None:
    facts = healthy(
        storage=lying_on("host share", "9p", source="C:\\"),
        read_speed=HARD_DISK,
        checkpoint__source=source,
        checkpoint__folder=folder,
    )
    remedy = found(facts, "slow-mount").remedies[0]
    assert f"cp -a {old} " in (remedy.command or "")
    assert (remedy.command or "").endswith(f'export {variable_name}="$new"')
    assert "WSL2" in action_of(remedy)


def test_an_ignored_variable_that_names_the_folder_in_use_is_harmless() -> None:
    facts = healthy(cache__variables=(variable("TRANSFORMERS_CACHE", "/cache/hub/"),))
    assert run_checks(facts) == []


def test_after_a_move_no_variable_is_called_the_way_to_move_the_cache() -> None:
    moved = {"cache__moved": True, "cache__decided_by": "the move to storage 'ssd'"}
    copies = (CacheCopy(folder="/old", bytes=GB),)
    facts = healthy(
        cache__variables=(variable("TRANSFORMERS_CACHE", "/fast"),), cache__copies=copies, **moved
    )
    remedies = [remedy for finding in run_checks(facts) for remedy in finding.remedies]
    assert [remedy.command for remedy in remedies] == ["unset TRANSFORMERS_CACHE", None]
    assert not any("HF_HUB_CACHE" in action_of(remedy) for remedy in remedies)
    outranked = variable("HUGGINGFACE_HUB_CACHE", "/fast").model_copy(update={"effect": "outranked"})
    assert run_checks(healthy(cache__variables=(outranked,), **moved)) == []


MOVED = {
    "cache__moved": True,
    "cache__decided_by": "the move to storage 'ssd'",
    "cache__folder": "/mnt/my ssd/hub",
}


@pytest.mark.parametrize(
    ("name", "changes", "command"),
    [
        (
            "incomplete-checkpoint",
            {"checkpoint__files": (TORN,), "trial": None},
            "hf download org/name --revision abc --cache-dir '/mnt/my ssd/hub' --force-download",
        ),
        (
            "other-revisions",
            {"cache__unreferenced_bytes": GB},
            "hf cache prune --cache-dir '/mnt/my ssd/hub'",
        ),
        (
            "conversion-leftover",
            {"cache__proposals": (CachedProposal(revision="refs/pr/7", bytes=GB, safetensors=True),)},
            "hf cache prune --cache-dir '/mnt/my ssd/hub'",
        ),
        (
            "slow-mount",
            {"storage": lying_on("network", "nfs4"), "read_speed": HARD_DISK},
            "./tunedock prepare org/name --move-cache-to NAME",
        ),
    ],
)
def test_after_a_move_commands_act_on_the_cache_in_use(
    name: str, changes: dict[str, Any], command: str
) -> None:
    remedy = found(healthy(**MOVED | changes), name).remedies[0]
    assert remedy.command == command
    assert "HF_HUB_CACHE" not in action_of(remedy)


def test_a_busy_disk_goes_before_the_bandwidth_it_leaves() -> None:
    busy = DiskActivity(device="sda", window_seconds=1.0, busy_ratio=0.9)
    facts = healthy(read_speed=HARD_DISK, trial=None, disk_activity=busy, **FLOAT32)
    assert [finding.id for finding in run_checks(facts)][:2] == ["busy-disk", "bandwidth-bound"]
    assert "A hard disk moves its head" in "\n".join(evidence_of(found(facts, "busy-disk")))


def test_a_slow_mount_goes_before_what_it_makes_slow_but_not_before_a_larger_matter() -> None:
    loaded = trial(read=21.0, deserialize=0.2, quantize=0.4)
    facts = healthy(storage=lying_on("host share", "9p"), read_speed=HARD_DISK, trial=loaded, **FLOAT32)
    quantizing = changed(facts, trial=trial(read=21.0, deserialize=0.2, quantize=90.0))
    assert [finding.id for finding in run_checks(facts)][:2] == ["slow-mount", "bandwidth-bound"]
    assert [finding.id for finding in run_checks(quantizing)][:2] == ["quantize-bound", "slow-mount"]


def test_an_ignored_variable_goes_before_the_slow_place_it_leaves_the_cache_in() -> None:
    wanted = variable("TRANSFORMERS_CACHE", "/fast")
    facts = healthy(cache__variables=(wanted,), read_speed=HARD_DISK, trial=None)
    assert [finding.id for finding in run_checks(facts)] == ["ignored-cache-variable", "bandwidth-bound"]


def test_a_warning_without_a_prediction_goes_before_savings_nobody_notices() -> None:
    facts = healthy(checkpoint__files=(PICKLE,), cache__offline=False, locate_seconds=1.0)
    assert [finding.id for finding in run_checks(facts)] == ["pickle-only", "hub-asked"]


def test_what_explains_what_has_no_circle() -> None:
    explains = {check.id: check.explains for check in CHECKS}
    assert {name for names in explains.values() for name in names} <= explains.keys()
    all_at_once = [
        Finding(id=check.id, severity="warning", title=say("trial"), evidence=(say("trial"),))
        for check in CHECKS
    ]
    order = [finding.id for finding in ranked(all_at_once, explains)]
    for name, followers in explains.items():
        assert all(order.index(name) < order.index(follower) for follower in followers)


def test_requests_cost_other_programs_what_tunedock_avoids() -> None:
    facts = changed(SLOW_REQUESTS, memory=healthy().memory)
    first = run_checks(facts)[0]
    assert (first.id, first.severity) == ("request-bound", "info")
    assert first.saves_seconds == pytest.approx(1.6e9 / 52e6 - 1.6e9 / 520e6)
    assert all("a program that only maps" in told(remedy.assumes or "") for remedy in first.remedies)


@pytest.mark.parametrize(
    ("hub", "revision", "said"),
    [
        (HubModel(has_safetensors=True, dtype_parameters={"F32": 9}), "main", "safetensors (9 × F32)"),
        (
            HubModel(has_safetensors=False, conversion="refs/pr/7"),
            "refs/pr/7",
            "converted exactly these pickles",
        ),
        (HubModel(has_safetensors=False), None, "no safetensors of this model"),
        (HubModel(unknown=say("hub-offline-piece")), None, "unknown: HF_HUB_OFFLINE is set"),
        (None, None, "zip files"),
    ],
)
def test_pickles_are_told_with_what_the_hub_has_instead(
    hub: HubModel | None, revision: str | None, said: str
) -> None:
    finding = found(healthy(checkpoint__files=(PICKLE,), hub=hub), "pickle-only")
    assert said in "\n".join(evidence_of(finding))
    command = f"./tunedock diagnose org/name --revision {revision}" if revision else None
    assert finding.remedies[-1].command == command


def test_a_truncated_file_is_not_called_changed_as_well() -> None:
    facts = healthy(checkpoint__files=(TORN,), hashes=(hashed(TORN.name, False),), trial=None)
    assert [finding.id for finding in run_checks(facts)] == ["incomplete-checkpoint"]


def test_a_cached_conversion_is_named_where_the_revision_in_use_is_pickled() -> None:
    proposal = CachedProposal(revision="refs/pr/7", bytes=GB, safetensors=True)
    facts = healthy(cache__proposals=(proposal,), checkpoint__files=(PICKLE,))
    assert "refs/pr/7" in action_of(found(facts, "conversion-leftover").remedies[0])


def test_the_checks_come_without_torch() -> None:
    program = "import sys, services.worker.diagnosis.checks; print('torch' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert answer == "False\n"
