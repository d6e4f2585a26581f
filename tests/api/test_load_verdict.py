"""The page's first sentences, its ranking, its scales and its progress bar."""

from typing import Any

import pytest

from services.api.load_page.disk_scale import disk_scale
from services.api.load_page.figures import key_figures
from services.api.load_page.remedies import outcomes, ranked_remedies
from services.api.load_page.shard_bar import shard_line
from services.api.load_page.verdict import verdict
from services.api.page_kit.bars import stack
from services.api.page_kit.scales import Scale
from services.api.page_kit.verdict import Verdict
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.stored import read_stored
from shared.visible import visible
from tests.api.load_reports import (
    broken_report,
    healthy_report,
    hostile_report,
    old_report,
    report_of,
    slow_disk,
)
from tests.worker.diagnosis.diagnosed import GB, healthy, trial


def verdict_of(values: dict[str, Any]) -> Verdict:
    report = read_stored(LoadReport, values)
    said = verdict(report, ranked_remedies(report))
    return Verdict(_plain(said.headline), tuple((question, _plain(answer)) for question, answer in said.more))


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_load_that_the_disk_bounds_is_told_as_arithmetic() -> None:
    said = verdict_of(old_report())
    assert said.headline == (
        "A load takes 66.7 s, of which 63.6 s is the disk: 9.62 GB at 151 MB/s. "
        "Only loading fewer bytes or using another disk helps. No option of the loader does."
    )
    ((question, answer),) = said.more
    assert question == "What helps most"
    assert answer.startswith("Keep a copy of the weights that is quantized already")
    assert answer.endswith("This saves about 53.0 s of a load.")


def test_what_was_done_is_told_before_why_it_was_needed() -> None:
    said = verdict_of(slow_disk())
    assert said.headline == "66.7 s before, 14.3 s now: 4.7 times as fast."
    assert [question for question, _ in said.more] == ["Why", "What helps most"]
    assert said.more[0][1].startswith("A load takes 66.7 s, of which 63.6 s is the disk")
    assert said.more[1][1].endswith("This saves about 53.0 s of a load, which then takes 13.7 s.")


def test_a_remedy_that_brought_nothing_is_not_praised() -> None:
    report = slow_disk()
    report["applied"][0]["measured_seconds"] = 70.0
    assert verdict_of(report).headline == "66.7 s before, 70.0 s now: no gain."
    (outcome,) = outcomes(read_stored(LoadReport, report))
    assert outcome.words.startswith("3.28 s more, ")


def test_a_healthy_load_is_told_so() -> None:
    said = verdict_of(healthy_report())
    assert said == Verdict(
        "A load takes 2.00 s for 1.60 GB; the disk alone needs 0.53 s. There is nothing to improve.", ()
    )


@pytest.mark.parametrize("saves", [5.0, 0.1])
def test_nothing_to_mend_and_what_helps_most_exclude_each_other(saves: float) -> None:
    report = report_of(healthy(cache__offline=False, locate_seconds=0.02))
    (finding,) = report["findings"]
    assert finding["severity"] == "info"
    finding["remedies"][0]["saves_seconds"] = saves
    said = verdict_of(report)
    helps = "What helps most" in dict(said.more)
    assert helps is (saves > 1)
    assert ("There is nothing to improve." in said.headline) is not helps


def test_a_checkpoint_that_can_not_be_loaded_comes_before_all_seconds() -> None:
    report = read_stored(LoadReport, broken_report())
    said = verdict_of(broken_report())
    assert said.headline == "The checkpoint can't be loaded: files are missing or damaged."
    assert said.more[0] == (
        "What was seen",
        "model.safetensors.index.json names the shard model-00002-of-00002.safetensors, which is missing.",
    )
    remedies = ranked_remedies(report)
    assert [ranked.is_needed for ranked in remedies.ranked][:2] == [True, True]
    assert not remedies.ranked[-1].is_needed
    assert key_figures(report, remedies)[2].note == "it makes the model load"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"trial": None},
            "No load was tried. From this disk it takes at least 0.53 s: 1.60 GB at 3.00 GB/s.",
        ),
        (
            {"trial": None, "read_speed": None},
            "No load was tried, and how fast the storage is could not be measured.",
        ),
        (
            {"trial": trial(quantize=14.0, read=1.0, rest=1.0)},
            "A load takes 16.0 s, of which 14.0 s is quantizing to 4 bits. ",
        ),
        (
            {"trial": trial(resolve=9.0, read=1.0, rest=8.0)},
            "A load takes 18.0 s, of which 17.0 s does not depend on the weights. ",
        ),
        (
            {"trial": trial(cached_bytes_before=int(1.6 * GB), read=1.0, move=1.0)},
            "A load takes 2.00 s, because the files were in memory already. "
            "From the disk it takes at least 0.53 s: ",
        ),
        (
            {"trial": trial(read=1.0, move=1.0).model_copy(update={"source": "resident"})},
            "The model is in memory already. The load that brought it there took 2.00 s. There is nothing to "
            "improve.",
        ),
    ],
)
def test_each_kind_of_load_has_its_sentence(changes: dict[str, Any], expected: str) -> None:
    assert verdict_of(report_of(healthy(**changes))).headline.startswith(expected)


def test_a_host_share_is_called_one_and_what_leaves_the_model_there_is_named() -> None:
    headline = verdict_of(hostile_report()).headline
    assert "is the host share: " in headline
    assert headline.endswith("TRANSFORMERS_CACHE is set but does not move the cache.")


def test_a_remedy_of_two_findings_is_ranked_once_and_names_both() -> None:
    report = read_stored(LoadReport, slow_disk())
    ranked = ranked_remedies(report).ranked
    saves = [one.remedy.saves_seconds for one in ranked if one.remedy.saves_seconds is not None]
    assert saves == sorted(saves, reverse=True)
    assert len({(told(one.remedy.action), one.remedy.command) for one in ranked}) == len(ranked)
    both = next(one for one in ranked if "bfloat16 copy" in told(one.remedy.action))
    assert [report.findings[number - 1].id for number in both.findings] == ["bandwidth-bound", "wide-dtype"]
    assert [bar.name for bar in ranked[0].bars] == ["predicted", "measured"]
    assert ranked[0].bars[1].amount == pytest.approx(66.72 - 14.31)


def test_the_disk_stands_among_others_by_the_logarithm() -> None:
    scale = disk_scale(read_stored(LoadReport, old_report()))
    assert scale is not None
    assert [round(mark.at, 1) for mark in scale.references] == [39.2, 58.0, 82.6]
    assert scale.references[0].at < scale.storage.at < scale.references[1].at
    assert scale.words == "151 MB/s: about what a typical hard disk reads (150 MB/s)"
    assert [round(mark.seconds, 1) for mark in scale.references] == [64.1, 17.5, 3.2]


@pytest.mark.parametrize("bytes_per_second", [3.2e3, 4e6, 10e6, 151e6, 9e9, 64e9])
def test_every_speed_has_a_place_on_the_scale(bytes_per_second: float) -> None:
    report = old_report()
    report["summary"]["limit_bytes_per_second"] = bytes_per_second
    scale = disk_scale(read_stored(LoadReport, report))
    assert scale is not None
    assert 0 <= scale.storage.at <= 100
    assert all(0 < mark.at < 100 for mark in scale.references)


@pytest.mark.parametrize("seconds", [0.003, 0.53, 1.0, 2.0, 8.17, 66.72, 497.0, 86_400.0])
def test_an_axis_has_a_few_round_ticks(seconds: float) -> None:
    ticks = Scale(seconds).ticks
    assert 2 <= len(ticks) <= 5
    assert ticks[0].at == 0
    assert all(tick.at <= 100 for tick in ticks)
    assert Scale(0.0).ticks == ()


def test_segments_lie_end_to_end_and_fill_the_bar() -> None:
    segments = stack([("a", "read", 1.0), ("b", "move", -2.0), ("c", "rest", 3.0)], Scale(4.0))
    assert [(segment.start, segment.width) for segment in segments] == [(0, 25), (25, 0), (25, 75)]


def test_a_progress_bar_reads_as_tqdm_writes_it() -> None:
    assert shard_line(2, 31.96) == "100%|█████| 2/2 [01:03<00:00, 31.96s/it]"
    assert shard_line(40, 0.4) == "100%|█████| 40/40 [00:16<00:00, 2.50it/s]"
    assert shard_line(96, 60.0).startswith("100%|█████| 96/96 [1:36:00<00:00")


def test_characters_that_hide_or_reorder_others_are_written_out() -> None:
    assert visible("rm \u202etxt.exe\u0000\u200b\ud800") == "rm \\u202etxt.exe\\u0000\\u200b\\ud800"
    assert visible("엑사원 3.5\n\tüber – 模型") == "엑사원 3.5\n\tüber – 模型"


def test_a_model_that_is_prepared_already_is_told_with_what_its_jobs_wait() -> None:
    report = slow_disk()
    report |= {"findings": [], "applied": []}
    said = verdict_of(report)
    assert said.headline.endswith("Jobs load the prepared copy instead, which took 2.60 s.")


def test_a_saving_is_told_with_what_it_assumes() -> None:
    report = report_of(healthy(cache__offline=False, locate_seconds=0.02))
    report["findings"][0]["remedies"][0] |= {
        "saves_seconds": 5.0,
        "predicted_seconds": None,
        "assumes": "a load with its files out of memory",
    }
    helps = dict(verdict_of(report).more)["What helps most"]
    assert helps.endswith("of a load. Assumed: a load with its files out of memory.")
