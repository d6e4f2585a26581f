"""The rows that a report shows as the model reads them, each with its heading."""

from dataclasses import dataclass

from services.api.page_kit.shown_rows import ShownRow, stretches
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.data_tokens import RenderedRow


@dataclass(frozen=True)
class TitledRow:
    title: str
    row: ShownRow


def shown_row(row: RenderedRow) -> ShownRow:
    return ShownRow(tuple(stretches(row.text, row.learned)), row.left_out_tokens)


def titled_row(row: RenderedRow) -> TitledRow:
    title = say(
        "rendered-row-title",
        number=row.number,
        tokens=row.tokens,
        learned=row.learned_tokens,
        left_out=row.left_out_tokens,
    )
    return TitledRow(told(title), shown_row(row))
