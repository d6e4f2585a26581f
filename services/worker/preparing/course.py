"""Where a preparation stands: the files as they lie now, what is known of them, what was done."""

from dataclasses import dataclass, field
from pathlib import Path

from services.worker.diagnosis.diagnose import places_to_read_from
from services.worker.diagnosis.inspect import inspect_model
from services.worker.diagnosis.trial_load import try_load
from services.worker.diagnosis.trials import Trials
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.residency import Residency
from services.worker.running_job import RunningJob
from shared.reports.finding import AppliedRemedy
from shared.reports.load_facts import LoadFacts, Target, TrialLoad
from shared.settings import Settings


@dataclass
class Course:
    """Changed by each remedy in turn; `copy` is the folder of the prepared copy once there is one."""

    files: ModelFiles
    facts: LoadFacts
    settings: Settings
    residency: Residency
    job: RunningJob
    job_id: str | None = None
    applied: list[AppliedRemedy] = field(default_factory=list)
    copy: Path | None = None
    save_seconds: float | None = None

    @property
    def artifacts(self) -> Path:
        """Where prepared copies lie."""
        return self.settings.data_dir / "models"

    def learn(self, **facts: object) -> None:
        self.facts = self.facts.model_copy(update=facts)

    def load_checkpoint(self) -> TrialLoad:
        """Load the checkpoint cold, unless that was done already and the model is still in memory."""
        known = self.facts.trial
        if known is None or self.residency.peek(self.files) is None:
            known = try_load(self.files, cold=True, residency=self.residency, job=self.job)
            self.learn(trial=known)
        return known


def inspected(
    files: ModelFiles, wanted_revision: str | None, settings: Settings, job: RunningJob
) -> LoadFacts:
    """The facts of a model without a load of it."""
    return inspect_model(
        files,
        wanted_revision=wanted_revision,
        models_dir=settings.models_dir,
        locate_seconds=None,
        trial_loads=Trials,
        places=places_to_read_from(settings),
        job=job,
    )


def limit_seconds(size_bytes: int, target: Target | None) -> float | None:
    """Bytes ÷ rate; None where it is unknown."""
    return size_bytes / target.limit_bytes_per_second if target and target.limit_bytes_per_second else None
