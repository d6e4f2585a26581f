"""The fine-tuned models that jobs made and that are still here, the newest first."""

from services.api.base_models import kept_model
from services.api.service import Service
from shared.schemas.records import JobRecord

MOST_SHOWN = 5
_LOOKED_THROUGH = 40  # among the trainings that succeeded are dry runs


def made_models(service: Service) -> tuple[JobRecord, ...]:
    """The jobs that made them. Raises `StoreUnavailable`."""
    newest = service.store.list_jobs(kind="fine_tuning", status="succeeded", limit=_LOOKED_THROUGH).records
    return tuple(record for record in newest if kept_model(record))[:MOST_SHOWN]
