"""What was foretold of a run beside what then happened, as its record and its report keep it."""

from services.worker.training.foretold import Foretold
from services.worker.training.run_watch import Happened
from shared.reports.training_facts import RUN_PARTS, PredictedPart, Prediction


def predictions_of(
    foretold: Foretold | None, happened: Happened | None, *, early_run_seconds: float | None = None
) -> tuple[Prediction, ...]:
    """`happened` None: nothing yet. `early_run_seconds` is what was told of the run once a part was done."""
    if foretold is None:
        return ()
    peak = foretold.memory.peak
    run = happened.run_seconds if happened else None
    predictions = [
        Prediction(
            quantity="step_seconds",
            predicted=foretold.forecast.mean_step_seconds,
            measured=happened.step_seconds if happened else None,
        ),
        Prediction(
            quantity="run_seconds",
            predicted=foretold.run_seconds,
            measured=run,
            parts=_parts(foretold, happened),
        ),
    ]
    if peak is not None:
        measured = happened.peak_bytes if happened else None
        predictions.append(Prediction(quantity="peak_memory_bytes", predicted=peak, measured=measured))
    if early_run_seconds is not None:
        predictions.append(
            Prediction(quantity="run_seconds", predicted=early_run_seconds, measured=run, when="5 %")
        )
    return tuple(predictions)


def _parts(foretold: Foretold, happened: Happened | None) -> tuple[PredictedPart, ...]:
    """Those that were foretold or took any time."""
    told, measured = foretold.part_seconds, happened.part_seconds if happened else {}
    return tuple(
        PredictedPart(part=part, predicted=told.get(part, 0.0), measured=measured.get(part))
        for part in RUN_PARTS
        if told.get(part) or measured.get(part)
    )
