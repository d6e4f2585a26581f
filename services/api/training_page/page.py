"""A training's report as one HTML page."""

from collections.abc import Sequence

from flask import Response

from services.api.page_kit.shares import compact, in_hundred
from services.api.page_kit.shell import standing_page
from services.api.training_page.checks import checks_done
from services.api.training_page.curves import loss_plot, time_plot
from services.api.training_page.factors import factor_chart
from services.api.training_page.figures import key_figures
from services.api.training_page.known import fact_groups
from services.api.training_page.left_out import left_out
from services.api.training_page.memory import memory_bar
from services.api.training_page.path import stations
from services.api.training_page.predictions import prediction_chart
from services.api.training_page.savings import savings
from services.api.training_page.stages import stages
from services.api.training_page.step_bars import step_bars
from services.api.training_page.tokens import token_bars
from services.api.training_page.verdict import verdict
from shared.reports.training import TrainingReport
from shared.reports.training_facts import Prediction


def training_page(job_id: str, report: TrainingReport, others: Sequence[Prediction]) -> Response:
    """`others` are what was foretold of other jobs."""
    return standing_page(
        "training_report.html",
        job_id=job_id,
        subject=report.model,
        measured_at=report.measured_at,
        verdict=verdict(report),
        figures=key_figures(report),
        report=report,
        savings=savings(report),
        checks=checks_done(report),
        step=step_bars(report),
        factors=factor_chart(report.facts.factors),
        stations=stations(report),
        memory=memory_bar(report),
        predictions=prediction_chart(report, others),
        losses=loss_plot(report),
        times=time_plot(report),
        tokens=token_bars(report),
        stages=stages(report),
        groups=fact_groups(report),
        left_out=left_out(report),
        in_hundred=in_hundred,
        compact=compact,
    )
