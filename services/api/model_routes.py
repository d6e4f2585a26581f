"""The models a request may name: model folders, the demo and default models, and what jobs made."""

from services.api.base_models import fine_tuned, kept_model, why_no_model
from services.api.openai_shapes import Model, ModelList
from services.api.service import Service
from shared.errors import ModelUnknown, ModelUnusable, NotFound
from shared.model_folders import model_folder, model_folder_names
from shared.model_names import is_fine_tuned, is_hub_id
from shared.model_search import check_base_model
from shared.schemas.records import JobRecord
from shared.settings import DEMO_MODEL

OWNER = "tunedock"
JOBS_A_PAGE = 100


def list_models(service: Service) -> ModelList:
    """Fine-tuned models, newest first, then base models. Any hub id may be named besides."""
    bases = {*model_folder_names(service.model_folders), service.settings.default_model, DEMO_MODEL}
    return ModelList(data=[*_fine_tuned_models(service), *(_base(service, name) for name in sorted(bases))])


def get_model(service: Service, *, model_id: str) -> Model:
    if found := fine_tuned(service, model_id):
        return _shown(found.record, model_id)
    if is_fine_tuned(model_id):
        raise NotFound(why_no_model(service, model_id), param="model")
    try:
        check_base_model(model_id, service.model_folders, to_load=False)
    except (ModelUnknown, ModelUnusable) as refusal:
        raise NotFound(refusal.said, param="model") from None
    return _base(service, model_id)


def _fine_tuned_models(service: Service) -> list[Model]:
    found: list[Model] = []
    after: str | None = None
    while True:
        page = service.store.list_jobs(kind="fine_tuning", status="succeeded", after=after, limit=JOBS_A_PAGE)
        found += [_shown(record, name) for record in page.records if (name := kept_model(record))]
        if not page.has_more:
            return found
        after = page.records[-1].id


def _shown(record: JobRecord, name: str) -> Model:
    return Model(id=name, created=int(record.finished_at or record.created_at), owned_by=OWNER)


def _base(service: Service, name: str) -> Model:
    """`created` is the folder's age, 0 for a model that lies elsewhere."""
    folder = model_folder(name, service.model_folders)
    created = int(folder.stat().st_mtime) if folder else 0
    of_hub = folder is None and is_hub_id(name)
    return Model(id=name, created=created, owned_by=name.split("/")[0] if of_hub else OWNER)
