"""What Grafana finds at its start: one data source, and the folder of dashboards, as compose mounts it."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from tests.monitoring.dashboards import ROOT, dashboards, panels
from tests.monitoring.panel_queries import SCRAPE_SECONDS
from tests.monitoring.promtool import PROMETHEUS

GRAFANA = ROOT / "services" / "grafana"


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _source() -> dict[str, Any]:
    (path,) = (GRAFANA / "provisioning" / "datasources").iterdir()
    document = _read(path)
    assert document["apiVersion"] == 1
    (source,) = document["datasources"]
    return dict(source)


def _mounts(service: str) -> dict[str, str]:
    """Where in the container → which folder of the repository."""
    volumes = _read(ROOT / "docker-compose.yml")["services"][service]["volumes"]
    return {inside: outside for outside, inside in (volume.split(":")[:2] for volume in volumes)}


def test_every_panel_and_variable_asks_the_data_source_that_is_provisioned() -> None:
    source = _source()
    wanted = {"type": source["type"], "uid": source["uid"]}
    for board in dashboards().values():
        asking = panels(board) + [v for v in board["templating"]["list"] if v["type"] == "query"]
        assert [item["datasource"] for item in asking] == [wanted] * len(asking)


def test_the_data_source_is_prometheus_of_compose_and_knows_how_often_it_scrapes() -> None:
    source = _source()
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in _read(ROOT / "docker-compose.yml")["services"]
    scrapes = _read(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrapes == f"{SCRAPE_SECONDS}s"


def test_the_dashboards_folder_is_the_one_that_compose_mounts() -> None:
    (path,) = (GRAFANA / "provisioning" / "dashboards").iterdir()
    document = _read(path)
    assert document["apiVersion"] == 1
    (provider,) = document["providers"]
    mounts = _mounts("grafana")
    assert mounts[provider["options"]["path"]] == "./services/grafana/dashboards"
    assert mounts["/etc/grafana/provisioning"] == "./services/grafana/provisioning"


def test_prometheus_reads_the_folder_that_compose_mounts_and_scrapes_its_services() -> None:
    assert _mounts("prometheus")["/etc/prometheus"] == "./services/prometheus"
    services = _read(ROOT / "docker-compose.yml")["services"]
    for scrape in _read(PROMETHEUS / "prometheus.yml")["scrape_configs"]:
        (target,) = scrape["static_configs"][0]["targets"]
        assert scrape["job_name"] in services
        assert target.partition(":")[0] in (scrape["job_name"], "localhost")
