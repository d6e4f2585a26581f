"""Which fine-tuned model a user means by its name: the whole `ft:…`, or any beginning of one."""

from services.cli.beginnings import the_one
from services.cli.client import Client
from services.cli.dates import clock
from shared.jobs import is_whole_job_id
from shared.messages.message import say
from shared.model_names import fine_tuned_model, is_fine_tuned


def find_model(client: Client, text: str) -> str:
    """The name of the one fine-tuned model that `text` means; a whole one, of a checkpoint too, is not looked
    up. Raises as `the_one` does.
    """
    model = fine_tuned_model(text)
    if model and is_whole_job_id(model.job_id):
        return text
    models = [one for one in client.listed("models") if is_fine_tuned(one["id"])]
    found = [one for one in models if str(one["id"]).startswith(text)]
    return the_one(
        [(str(one["id"]), say("made-at-row", clock=clock(one["created"]))) for one in found],
        none=say("no-model-begins-so", text=repr(text)),
        listed=say("list-models-row"),
        several=say("several-models-begin-so-row", models=len(found), text=repr(text)),
    )
