"""What became of a data set's rows, as the result of a job that read them keeps it."""

from shared.reports.stored import Said, Stored


class SkippedRows(Stored):
    """How many rows were skipped for one reason."""

    reason: Said
    rows: int


class RefusedTurns(Stored):
    """How many turns the template refused for one reason."""

    reason: Said
    turns: int


class RowsUsed(Stored):
    """Tokens are those of all that was rendered, `lost_…` the part beyond max_seq_length.

    A job that reads rows for questions, or an earlier release, counts fewer of these.
    """

    rows: int = 0
    """Learned from, or asked."""
    read_rows: int | None = None
    skipped_rows: int = 0
    skipped_reasons: tuple[SkippedRows, ...] = ()
    """The most frequent ones."""
    refused_turns: tuple[RefusedTurns, ...] = ()
    truncated_rows: int = 0
    unrolled_rows: int = 0
    split_rows: int = 0
    rendered_tokens: int = 0
    longest_tokens: int = 0
    """Of the longest row, before it was cut."""
    lost_tokens: int = 0
    lost_target_tokens: int = 0
    answers: int = 0
    lost_answers: int = 0
    """Of which nothing is learned."""
    cut_answers: int = 0
    """Learned without their end."""
    appended_end_rows: int = 0
    endless_rows: int = 0
    lost_thoughts: int = 0
    closed_thoughts: int = 0
    changed_rows: int = 0
    unknown_rows: int = 0
    """With characters outside the answers that the tokenizer has no token for."""
    unwritten: dict[str, int] = {}
    """Role whose words the template does not write → rows."""
