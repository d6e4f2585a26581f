"""The report of a data set with a model: rows as tokens by its tokenizer and template; no weight is read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from transformers import PreTrainedTokenizerBase

from services.worker.text.dataset_file import DatasetFile, read_rows
from services.worker.text.row_lines import row_lines
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import TokenRows, encode_dataset
from services.worker.text.script_tokens import TextTokens, text_tokens, texts_of
from services.worker.text.shown_row import shown_row
from services.worker.text.token_counts import token_counts
from shared.messages.message import Message, say
from shared.reports.data import DataFinding, Part
from shared.reports.data_tokens import RenderedRow, ScriptTokens, TokenPart, TokenReport
from shared.reports.data_tokens_text import tokens_text
from shared.schemas.requests import DatasetReportRequest

EXAMPLES = 10
MUCH_MORE_TOKENS = 1.6
_LEAST_SHARE = 0.1  # of the letters that are in a script, below which its tokens matter little
_SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Reader:
    """What reads the rows: the model by name, its tokenizer, and the longest row that it takes."""

    model: str
    tokenizer: PreTrainedTokenizerBase
    max_seq_length: int


def token_report(
    reader: Reader,
    request: DatasetReportRequest,
    datasets: Mapping[str, DatasetFile],
    *,
    now: datetime,
    tick: Callable[[int], None] = lambda rows: None,
) -> TokenReport:
    """Rows of training and validation, rendered as a fine-tuning would. Raises `JobFailed` (dataset_invalid,
    model_unsupported) where one could learn nothing from them.
    """
    training = datasets["training"]
    rules = _rules(training, request, reader, now)
    part, findings = _part("training", training, rules, reader, tick)
    validation = None
    if (data := datasets.get("validation")) is not None:
        its_rules = _rules(data, request, reader, now, thinking=rules.thinking).like(rules)
        validation, more = _part("validation", data, its_rules, reader, tick)
        findings += more
    findings.sort(key=lambda finding: _SEVERITIES.index(finding.severity))
    found = TokenReport(
        model=reader.model,
        max_seq_length=reader.max_seq_length,
        training=part,
        validation=validation,
        findings=tuple(findings),
        text="",
    )
    return found.model_copy(update={"text": tokens_text(found)})


def _rules(
    data: DatasetFile,
    request: DatasetReportRequest,
    reader: Reader,
    now: datetime,
    *,
    thinking: bool | None = None,
) -> RowRules:
    return RowRules.of(
        data,
        loss_on=request.loss_on,
        max_seq_length=reader.max_seq_length,
        instruction=request.instruction,
        long_text=request.long_text,
        thinking=thinking,
        now=now,
    )


def _part(
    part: Part, data: DatasetFile, rules: RowRules, reader: Reader, tick: Callable[[int], None]
) -> tuple[TokenPart, list[DataFinding]]:
    rows = encode_dataset(data, rules, reader.tokenizer, tick)
    texts = text_tokens((text for row in read_rows(data) for text in texts_of(row)), reader.tokenizer)
    counted = TokenPart(
        part=part,
        tokens=token_counts(rows, computed_tokens=rows.tokens),
        characters_per_token=texts.characters / max(1, texts.tokens),
        scripts=texts.scripts,
        examples=tuple(_examples(rows, reader.tokenizer)),
        **rows.counts.as_result(),
    )
    return counted, [*_of_rows(part, rows, rules), *_of_tokenizer(part, texts, reader.model)]


def _examples(rows: TokenRows, tokenizer: PreTrainedTokenizerBase) -> Iterator[RenderedRow]:
    """Rows from all parts of the data set, in its order."""
    count = min(EXAMPLES, len(rows.rows))
    places = sorted({at * (len(rows.rows) - 1) // max(1, count - 1) for at in range(count)})
    for place in places:
        row = rows.rows[place]
        shown = shown_row(row, tokenizer)
        yield RenderedRow(
            number=place + 1,
            text=shown.text,
            learned=shown.learned,
            tokens=len(row),
            learned_tokens=int(row.targets.sum()),
            left_out_tokens=shown.left_out,
        )


def _of_rows(part: Part, rows: TokenRows, rules: RowRules) -> Iterator[DataFinding]:
    counts = rows.counts
    first = {"rows_truncated": counts.first_truncated, "rows_skipped": counts.first_skipped}
    for line in row_lines(counts, rules):
        severity: Literal["warning", "note"] = "warning" if line.level == "warn" else "note"
        numbers = first.get(line.code, [])
        yield DataFinding(
            id=line.code,
            severity=severity,
            part=part,
            title=line.message,
            evidence=(say("first-rows", rows=[str(number) for number in numbers]),) if numbers else (),
            unit="row" if numbers else None,
            lines=tuple(numbers),
            count=int(line.data.get("rows", line.data.get("turns", 0))),
        )


def _of_tokenizer(part: Part, texts: TextTokens, model: str) -> Iterator[DataFinding]:
    """Where it takes many more tokens for a script than tokenizers that know it."""
    letters = sum(each.letters for each in texts.scripts)
    for each in texts.scripts:
        times = each.times_as_many
        if times is None or times < MUCH_MORE_TOKENS or each.letters < _LEAST_SHARE * letters:
            continue
        yield DataFinding(
            id="tokenizer_knows_little",
            severity="warning",
            part=part,
            title=say("tokenizer-knows-little", model=model, script=each.script, times=round(times, 1)),
            evidence=(_seen(each), say("more-tokens-cost")),
            remedy=say("choose-model-of-language", script=each.script),
        )


def _seen(each: ScriptTokens) -> Message:
    return say(
        "tokens-a-letter",
        script=each.script,
        seen=round(each.tokens_per_letter, 2),
        usual=each.usual_tokens_per_letter,
        tokens=each.tokens,
        letters=each.letters,
    )
