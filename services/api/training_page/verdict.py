"""What the page says first: what costs most, what the best way brings, how far the device is used."""

from services.api.page_kit.verdict import Verdict
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_text import device_words
from shared.reports.training_verdict import best_way, training_verdict


def verdict(report: TrainingReport) -> Verdict:
    more = []
    if way := best_way(report):
        more.append((told(say("all-together-label")), f"{told(way)}."))
    if report.facts.device.achieved_ratio is not None:
        more.append((told(say("the-device-label")), f"{told(device_words(report.facts))}."))
    return Verdict.of(told(training_verdict(report)), more)
