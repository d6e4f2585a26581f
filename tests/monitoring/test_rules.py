"""Prometheus's own tool on its configuration; alerts say what was seen and what to do, and each is tested."""

import re
from collections.abc import Callable
from typing import get_args

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]

from services.cli.__main__ import command_parser
from shared.reports.model_files import ModelSource
from tests.monitoring.metric_names import rules
from tests.monitoring.promtool import PROMETHEUS, Promtool, find_promtool
from tests.worker.diagnosis.diagnosed import healthy

ALERTS = {rule["alert"]: rule for rule in rules("alert")}


@pytest.fixture
def promtool(need: Callable[[bool, str], None]) -> Promtool:
    found = find_promtool()
    need(found is not None, "promtool (or the Prometheus image in a container engine)")
    assert found is not None
    return found


def test_the_configuration_is_one_that_prometheus_takes(promtool: Promtool) -> None:
    checked = promtool.run("check", "config", "prometheus.yml")
    assert checked.returncode == 0, checked.stdout
    assert "2 rule files found" in checked.stdout


def test_the_rules_are_ones_that_prometheus_takes(promtool: Promtool) -> None:
    checked = promtool.run("check", "rules", "--lint-fatal", *_files("rules"))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow  # a regression of loads shows against the day before, in steps of 15 s
@pytest.mark.timeout(400)
def test_alerts_fire_when_they_should_and_only_then(promtool: Promtool) -> None:
    tested = promtool.run("test", "rules", *_files("tests"))
    assert tested.returncode == 0, tested.stdout
    assert tested.stdout.count("SUCCESS") == len(_files("tests"))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_was_seen_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert re.fullmatch("Tunedock[A-Z][A-Za-z]+", name)
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description"}
    assert rule["annotations"]["summary"].endswith(".")
    assert "$value" in rule["annotations"]["description"] or name == "TunedockTargetDown"  # its value is 0
    assert rule["annotations"]["description"].count(". ") >= 1, "what was seen, then what to do"


@pytest.mark.parametrize("name", ALERTS)
def test_what_an_alert_asks_for_works_with_containers_and_without(name: str) -> None:
    text = " ".join(ALERTS[name]["annotations"]["description"].split())
    assert "/v1/" not in text, "a page that wants a key, on a port that may be another"
    commands = re.findall(r"\btunedock ((?!up\b)[a-z]+(?: --?[\w-]+(?: [a-z0-9]+)?| [A-Z]+\b)*)", text)
    for command in commands:
        command_parser().parse_args(command.split())
    within = ("docker compose" in text, "ithout containers" in text)
    assert within in ((True, True), (False, False)), text
    assert len(re.findall("exec api tunedock", text)) == len(re.findall("exec api", text))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tested_on_its_fault_and_on_a_healthy_day(name: str) -> None:
    assert name in _tested("firing.yml", fires=True)
    assert name in _tested("healthy.yml", fires=False)


@pytest.mark.parametrize("rule", rules("record"), ids=lambda rule: rule["record"])
def test_a_recorded_series_is_tested(rule: dict[str, str]) -> None:
    assert rule["record"] in (PROMETHEUS / "tests" / "recording.yml").read_text()


def test_a_source_lies_on_the_storage_that_a_diagnosis_says_it_does() -> None:
    (rule,) = (rule for rule in rules("record") if rule["record"].startswith("source_storage:"))
    places = re.findall(r'"storage", "(\w+)", "source", "([\w|]+)"', rule["expr"])
    recorded = {source: storage for storage, sources in places for source in sources.split("|")}
    diagnosed = {source: healthy(checkpoint__source=source).storage_name for source in get_args(ModelSource)}
    assert recorded == diagnosed | {"artifact": "data"}


def _files(folder: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (PROMETHEUS / folder).glob("*.yml"))


def _tested(file: str, *, fires: bool) -> set[str]:
    document = yaml.safe_load((PROMETHEUS / "tests" / file).read_text(encoding="utf-8"))
    cases = [case for test in document["tests"] for case in test["alert_rule_test"]]
    return {case["alertname"] for case in cases if bool(case.get("exp_alerts")) == fires}
