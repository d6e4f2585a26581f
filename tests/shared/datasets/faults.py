"""Data sets with one fault each, made here, and what their report must say of it first."""

import gzip
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Rows = list[Row]


def chat(count: int = 24) -> Rows:
    """Conversations with nothing to find."""
    return [
        conversation(f"What is number {number}?", f"It is the number {number}.") for number in range(count)
    ]


def conversation(question: str, answer: str, system: str | None = None) -> Row:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}, *messages] if system else messages}


def labelled(count: int = 24) -> Rows:
    """Texts with labels and nothing to find."""
    return [{"text": f"message {number}", "label": ("ham", "spam")[number % 2]} for number in range(count)]


def pairs(count: int = 24) -> Rows:
    return [{"prompt": f"{number} + 1 =", "completion": f" {number + 1}"} for number in range(count)]


def lines(rows: Sequence[Row | str]) -> bytes:
    """JSON lines; a text stands as it is."""
    texts = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "".join(f"{text}\n" for text in texts).encode("utf-8", "surrogatepass")


def with_row(rows: Sequence[Row], line: int, row: Row | str) -> bytes:
    """`row` as the line with this number, in the place of the one there."""
    return lines([*rows[: line - 1], row, *rows[line:]])


def with_messages(line: int, *messages: Any) -> bytes:
    return with_row(chat(), line, {"messages": list(messages)})


def csv(rows: Sequence[str], header: str = "text,label") -> bytes:
    return "".join(f"{row}\n" for row in [header, *rows]).encode()


TABLE = [f"message {number},{('ham', 'spam')[number % 2]}" for number in range(24)]
USER, ASSISTANT = {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}


def table_with(line: int, row: str) -> bytes:
    """A table whose line with this number (the header is 1) is `row`."""
    return csv([*TABLE[: line - 2], row, *TABLE[line - 1 :]])


def changed(rows: Rows, change: Callable[[int, Row], Row]) -> bytes:
    return lines([change(number, row) for number, row in enumerate(rows)])


@dataclass(frozen=True)
class Fault:
    """`line`: the first one that the report must name; None where the fault is the whole file's. `words`
    stand in what the report says of it. `validation` are validation rows, where the fault is theirs.
    """

    name: str
    content: bytes
    finding: str
    line: int | None
    words: str
    file_name: str = "rows.jsonl"
    severity: str = "error"
    validation: bytes | None = None


def nested(levels: int) -> str:
    return '{"text": "a", "label": "ham", "more": ' + "[" * levels + "]" * levels + "}"


LINES_OF_FILES = [
    Fault("a brace is missing", with_row(labelled(), 5, '{"text": "a", "label": "ham"'), "no_json_line", 5,
          "one whole JSON object"),
    Fault("single quotes in one line", with_row(labelled(), 3, "{'text': 'a', 'label': 'ham'}"),
          "json_with_other_quotes", 3, "double quotes"),
    Fault("a list for a row", with_row(labelled(), 4, '["a", "ham"]'), "no_json_object", 4,
          "named fields on each line"),
    Fault("NaN", with_row(labelled(), 7, '{"text": "a", "label": NaN}'), "number_not_in_json", 7,
          "Where there is no value, remove the row"),
    Fault("a key twice", with_row(labelled(), 2, '{"text": "a", "text": "b", "label": "ham"}'),
          "key_twice", 2,
          "Keep this key once"),
    Fault("too many levels", with_row(labelled(), 6, nested(40)), "nested_too_deep", 6, "32 levels"),
    Fault("a line of 2 MB", with_row(labelled(), 3, {"text": "a" * 2_000_000, "label": "ham"}),
          "line_too_long", 3, "several rows"),
    Fault("a byte that is not UTF-8", lines([{"text": "é", "label": "ham"}] * 3) + b'{"text": "\xe9"}\n',
          "line_not_utf_8", 4, "converting the whole file would spoil"),
    Fault("a cell too many", table_with(9, "one, two,ham"), "too_many_quoted_cells", 9,
          "double quotes around",
          "rows.csv"),
    Fault("a cell too few", table_with(4, "only text"), "too_few_cells", 4, "Add the cells", "rows.csv"),
    Fault("the header once more", table_with(12, "text,label"), "header_again", 12, "Remove this line",
          "rows.csv"),
    Fault("a quote that is never closed", table_with(3, '"open,ham'), "quote_never_closed", 3,
          "the next 22 lines were read as part of this cell", "rows.csv"),
    Fault("a zero byte in a table", table_with(5, "a\x00b,ham"), "text_has_nul", 5, "Remove the character",
          "rows.csv"),
    Fault("JSON written twice", lines([json.dumps(json.dumps(row)) for row in labelled()]), "json_twice", 1,
          "json.loads(line) gives"),
    Fault("rows in a list of another name", json.dumps({"sentences": labelled()}).encode(),
          "rows_in_no_format", None, "its field `sentences` is a list of 24 objects", "rows.json"),
    Fault("rows in a list two levels deep", json.dumps({"version": 1, "got": {"all": labelled()}}).encode(),
          "rows_in_no_format", None, "its field `got.all` is a list of 24 objects", "rows.json"),
    Fault("rows as the fields of one object",
          json.dumps({f"r{number}": row for number, row in enumerate(labelled())}).encode(),
          "rows_in_no_format", None, "each of its 24 fields is an object", "rows.json"),
    Fault("titles above the header", b"My rows,\nof 2026,\n" + csv(TABLE), "rows_in_no_format", None,
          "A header must be the first line", "rows.csv"),
    Fault("a list that is not read", json.dumps({"data": labelled(), "more": labelled()}).encode(),
          "rest_unread", None, "put them into this list", "rows.json", severity="warning"),
    Fault("text after a quote", table_with(5, '"a"b,ham'), "text_after_quote", 5, "written twice",
          "rows.csv"),
    Fault("a tab too many", b"text\tlabel\n" + b"one\tham\n" * 5 + b"one\ttwo\tham\n", "too_many_plain_cells",
          7, "must become a space", "rows.tsv"),
    Fault("a list that ends early", json.dumps(labelled()).encode()[:-1], "list_cut_off", None,
          "after 24 rows, so it was probably cut off", "rows.json"),
    Fault("a list that ends within a row", json.dumps(labelled()).encode()[:-9], "reading_ends", 24,
          "The file ends within it", "rows.json"),
    Fault("a comma before the end of a list", json.dumps(labelled()).encode()[:-1] + b",]",
          "json_commas", None, "At 1 place", "rows.json", severity="warning"),
    Fault("a text without quotes in a list",
          json.dumps(labelled(), indent=1).replace('"ham"', "ham", 1).encode(), "reading_ends", 1,
          "in line 4 at character 12", "rows.json"),
    Fault("a list alone in the first line", lines(["[1, 2]", *labelled()]), "no_json_object", 1,
          "one object with named fields"),
    Fault("lines that are no JSON at all", lines([f"message {number}" for number in range(24)]),
          "no_json_line", 1, "one object with named fields"),
    Fault("a byte of another encoding far behind ASCII",
          lines(labelled(2000)) + b'{"text": "caf\xe9", "label": "ham"}\n', "line_not_utf_8", 2001,
          "iconv -f CP1252"),
    Fault("a list in an object that ends early", json.dumps({"data": labelled()}).encode()[:-2],
          "list_cut_off", None,
          "write ]} at its end", "rows.json"),
]  # fmt: skip

WHOLE_FILES = [
    Fault("an empty file", b"", "file_is", None, "save it again"),
    Fault("blank lines alone", b"\n\n\n", "no_rows", None, "Write rows into"),
    Fault("CP949", "문장,라벨\n안녕하세요 여러분,정상\n쿠폰을 드립니다,스팸\n".encode("cp949"),
          "looks_like_encoding", None, "iconv -f CP949", "rows.csv"),
    Fault("gzip", gzip.compress(lines(labelled())), "file_is", None, "gunzip FILE", "rows.jsonl.gz"),
    Fault("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n",
          "file_is_pointer", None, "git lfs pull"),
    Fault("a web page", b"<!DOCTYPE html><html><body>Sign in</body></html>", "file_is", None,
          "Download the file itself"),
    Fault("Python's dictionaries", b"{'text': 'a', 'label': 'ham'}\n" * 9, "rows_are_python", None,
          "ast.literal_eval"),
    Fault("a table by columns", b'{"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}}',
          "table_by_columns", None, 'orient="records"', "rows.json"),
    Fault("a table in Markdown", b"| text | label |\n| --- | --- |\n| a | ham |\n", "table_in_markdown", None,
          "Save it as CSV", "rows.csv"),
    Fault("prose", b"Once upon a time.\nThere was no table.\n", "unknown_kind", None, "JSON lines",
          "rows.txt"),
    Fault("columns of other names", csv(["good film,1"] * 9, "review,stars"), "rows_in_no_format", None,
          '"text": "review"', "rows.csv"),
    Fault("chosen and rejected", lines([{"prompt": "q", "chosen": "a", "rejected": "b"}] * 9),
          "rows_in_no_format", None, '"completion": "chosen"'),
    Fault("two columns of one name", csv(["a,b,ham"] * 9, "text,text,label"), "columns_of_one_name", None,
          "`text` and `label` for texts", "rows.csv"),
]  # fmt: skip

VALUES = [
    Fault("a label is null", with_row(labelled(), 3, {"text": "a", "label": None}), "field_is_null", 3,
          "Give it a value"),
    Fault("an empty answer", with_messages(9, USER, {"role": "assistant", "content": ""}), "text_is_empty", 9,
          "Give it a value"),
    Fault("a number for a text", with_row(labelled(), 8, {"text": 5, "label": "ham"}), "must_be_string", 8,
          "text in double quotes"),
    Fault("a text that shows nothing", with_row(labelled(), 4, {"text": "\u200b\u200b", "label": "ham"}),
          "text_is_invisible", 4, "invisible"),
    Fault("NUL", with_row(labelled(), 6, {"text": "a\x00b", "label": "ham"}), "text_has_nul", 6,
          "Remove the character"),
    Fault("half of a character", with_row(labelled(), 2, '{"text": "a \\ud83d", "label": "ham"}'),
          "text_has_half_of_a_pair", 2, "half of a"),
    Fault("a score for a label", with_row(labelled(), 5, {"text": "a", "label": 0.73}),
          "label_is_fraction", 5,
          "low or high"),
    Fault("several labels", with_row(labelled(), 7, {"text": "a", "label": ["x", "y"]}),
          "label_is_several", 7,
          "into `completion`"),
    Fault("a text for a label", with_row(labelled(), 3, {"text": "a", "label": "long " * 60}),
          "label_too_long", 3, "Choose the column"),
    Fault("a field is missing", with_row(labelled(), 11, {"text": "a"}), "row_lacks_field", 11,
          "Add the field"),
    Fault("a row of another format", with_row(chat(), 6, {"instruction": "q", "output": "a"}),
          "row_lacks_field_of_format", 6, "Write such rows like the others"),
    Fault("a labelled row among conversations", with_row(chat(), 6, {"text": "q", "label": "a"}),
          "row_unlike_most", 6, "into a file of their own"),
]  # fmt: skip

CONVERSATIONS = [
    Fault("the user has the last word", with_messages(4, USER, ASSISTANT, USER), "last_not_assistant", 4,
          "add an answer"),
    Fault("no answer at all", with_messages(5, USER), "no_assistant", 5, "Add the answer"),
    Fault("a late system message", with_messages(3, USER, {"role": "system", "content": "x"}, ASSISTANT),
          "system_not_first", 3, "Make it the first message"),
    Fault("an answer comes first", with_messages(7, ASSISTANT, USER, ASSISTANT), "answer_without_question", 7,
          "stands before it"),
    Fault("two questions", with_messages(8, USER, USER, ASSISTANT), "question_without_answer", 8, "as one"),
    Fault("an unknown role", with_messages(2, {"role": "narrator", "content": "x"}, ASSISTANT),
          "role_unknown",
          2, "narrator"),
    Fault("a part without its text",
          with_messages(3, USER, {"role": "assistant", "content": [{"type": "text"}]}),
          "part_without_text", 3, "Write the part as"),
    Fault("roles as names of fields", with_messages(4, {"user": "Hi"}, {"assistant": "Hello"}),
          "role_names_field", 4, "with the value of this field as `content`"),
    Fault("a text under another name", with_messages(5, {"role": "user", "text": "Hi"}, ASSISTANT),
          "message_has_more", 5, "call it `content`"),
    Fault("no role", with_messages(2, {"content": "x"}, ASSISTANT), "role_missing", 2, "Add `role`"),
    Fault("a picture", with_messages(6, {"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT),
          "part_of_kind", 6, "Only text"),
    Fault("a call of a tool", with_messages(4, USER, {"role": "assistant", "content": None,
          "tool_calls": [{"id": "1"}]}), "messages_call_tools", 4, "Remove such rows"),
    Fault("a thought beside the answer", with_messages(3, USER, {**ASSISTANT, "reasoning": "hm"}),
          "thought_beside_content", 3, "<think>"),
    Fault("a field that nothing reads", with_messages(3, USER, {**ASSISTANT, "score": 4}), "message_has_more",
          3, "Remove what is not supported"),
    Fault("an empty conversation", with_messages(9), "list_is_empty", 9, "Write the messages"),
    Fault("a list in Python's notation", with_row(chat(), 5, {"messages": "[{'role': 'user'}]"}),
          "list_is_python", 5, "json.dumps"),
    Fault("nothing is learned", with_messages(5, USER, {**ASSISTANT, "weight": 0}), "all_weights_zero", 5,
          "set it to 1"),
    Fault("a weight of two", with_messages(5, USER, {**ASSISTANT, "weight": 2}), "weight_unknown", 5,
          "Write 1"),
    Fault("a message that is a text", with_messages(5, "Hello", ASSISTANT), "message_must_be_object", 5,
          "Write it as"),
]  # fmt: skip

LABELS = [
    Fault("one text, two labels", lines([*labelled(), {"text": "message 3", "label": "ham"}]),
          "contradicting_labels", 25, "Line 25 contradicts line 4", severity="warning"),
    Fault("a row again", lines([*labelled(), labelled()[1]]), "repeated_rows", 25, "word for word",
          severity="warning"),
    Fault("labels that look alike", changed(labelled(), lambda number, row: {
          **row, "label": row["label"].upper() if number > 11 else row["label"]}), "labels_look_alike", None,
          "look alike", severity="warning"),
    Fault("a missing label", csv([*TABLE[:20], *["more 1,nan", "more 2,nan", "more 3,nan", "more 4,nan",
          "more 5,nan"]]), "labels_missing", None, "a value is missing", "rows.csv", "warning"),
    Fault("true and 1", changed(labelled(), lambda number, row: {**row, "label": [True, False, 1,
          0][number % 4]}),
          "labels_mixed", None, "true or false", severity="warning"),
    Fault("a label for each row", changed(labelled(), lambda number, row: {**row, "label": f"id {number}"}),
          "labels_many", None, "wrong column", severity="warning"),
    Fault("one label", changed(labelled(), lambda number, row: {**row, "label": "ham"}), "labels_one", None,
          "no classes", severity="warning"),
    Fault("ten times as many", changed(labelled(120), lambda number, row: {
          **row, "label": "spam" if number % 12 == 0 else "ham"}), "labels_unbalanced", 1,
          "11 times fewer", severity="warning"),
    Fault("a label in two rows", changed(labelled(30), lambda number, row: {
          **row, "label": "other" if number in (8, 20) else row["label"]}), "labels_rare", 9,
          "`other` (2)", severity="warning"),
    Fault("numbers for labels", changed(labelled(), lambda number, row: {**row, "label": number % 2}),
          "labels_are_numbers", None, "Write words as labels", severity="note"),
]  # fmt: skip

ANSWERS = [
    Fault("one question, two answers", lines([*chat(), conversation("What is number 4?", "Four.")]),
          "answers_contradict", 25, "Line 25 has another answer than line 5", severity="warning"),
    Fault("the same answer everywhere", changed(chat(), lambda number, row: conversation(f"q {number}",
          "Yes.")),
          "answers_all_same", 1, "`Yes.`", severity="warning"),
    Fault("answers that are labels", changed(pairs(40), lambda number, row: {
          "prompt": f"q {number}", "completion": " ham" if number % 2 else " spam"}), "answers_are_classes",
          1, "`label`", severity="note"),
    Fault("one answer for most", lines([*chat(60), *(conversation(f"Why {number}?", "I do not know.")
          for number in range(70))]), "answer_dominates", 61, "I do not know", severity="warning"),
    Fault("the question is the answer", lines([*chat(), conversation("Say so.", "Say so.")]),
          "answers_repeat_question", 25, "word for word", severity="warning"),
    Fault("answers cut off", changed(chat(), lambda number, row: conversation(
          f"q {number}", (f"answer {number} " * 40)[:200 if number > 3 else 90])), "answers_cut_off", 5,
          "exactly 200 characters", severity="warning"),
    Fault("an answer in another language", lines([*(conversation(f"{number} 곱하기 이는?",
          f"답은 {2 * number}입니다")
          for number in range(20)), conversation("칠 곱하기 이는?", "It is fourteen.")]),
          "answers_in_other_script", 21, "(hangul)", severity="note"),
    Fault("white space around an answer", lines([*chat(), conversation("And?", "Yes. \n")]),
          "answers_with_spaces", 25, "text.strip()", severity="note"),
    Fault("a system message in some rows", lines([*chat(), conversation("And?", "Yes.", "Be short.")]),
          "system_in_some", 25, "(1 of 25)", severity="note"),
]  # fmt: skip

CHARACTERS = [
    Fault("letters lost", lines([*labelled(), {"text": "caf\ufffd", "label": "ham"}]), "text_damaged", 25,
          "wrong encoding", severity="warning"),
    Fault("a word for a missing text", csv([*TABLE, "nan,ham"]), "text_missing", 26, "`nan`", "rows.csv",
          "warning"),
    Fault("what shows nothing", lines([*labelled(), {"text": "free\u200b coupon", "label": "spam"}]),
          "invisible_characters", 25, "zero width space", severity="warning"),
    Fault("a control character", lines([*labelled(), {"text": "free\x07 coupon", "label": "spam"}]),
          "invisible_characters", 25, "U+0007", severity="warning"),
    Fault("letters in pieces", lines([*labelled(), {"text": unicodedata.normalize("NFD", "안녕하세요"),
          "label": "ham"}, {"text": "반갑습니다", "label": "spam"}]), "letters_in_pieces", 25,
          "other rows have them whole", severity="warning"),
    Fault("letters of two alphabets", lines([*labelled(), {"text": "frеe coupon", "label": "spam"}]),
          "letters_of_two_alphabets", 25, "one alphabet", severity="warning"),
    Fault("a template within the texts", lines([*chat(), conversation("<|im_start|>user Hi<|im_end|>",
          "Yes.")]),
          "template_in_texts", 25, "<|im_start|> (1)", severity="warning"),
    Fault("a file escaped twice", lines([*chat(), conversation("And?", "First.\\nSecond.")]),
          "line_ends_escaped", 25, "escaped twice", severity="warning"),
    Fault("HTML", lines([*chat(), conversation("And?", "First.<br>Second &amp; last.")]),
          "markup_in_texts", 25,
          "&amp; (1)", severity="note"),
    Fault("spaces that do not break", lines([*chat(), conversation("And?", "5\u00a0km.")]), "odd_spaces", 25,
          "U+00A0", severity="note"),
]  # fmt: skip

SIZES = [
    Fault("a field left out", lines([{**row, "note": "important words"} for row in labelled()]),
          "fields_unused", 1, "`note` (24)", severity="warning"),
    Fault("few rows", lines(labelled(6)), "few_rows", None, "only 6 rows", severity="warning"),
    Fault("one row much longer", lines([*chat(), conversation("Tell it all.", "And so on." * 400)]),
          "row_much_longer", 25, "times as many as a usual row", severity="note"),
    Fault("validation rows that are learned", lines(labelled()), "validation_overlaps", 2,
          "line 2 of the validation file, which is line 5 of the training file", severity="warning",
          validation=lines([{"text": "new", "label": "ham"}, labelled()[4], *(
              {"text": f"other {number}", "label": "spam"} for number in range(10))])),
    Fault("validation rows learned otherwise", lines(labelled()), "validation_contradicts", 1,
          "another answer or label", severity="warning",
          validation=lines([{"text": "message 4", "label": "spam"}, *(
              {"text": f"other {number}", "label": "ham"} for number in range(10))])),
    Fault("a label that is not trained", lines(labelled()), "labels_not_trained", 11, "`eggs`",
          validation=lines([*({"text": f"other {number}", "label": ("ham", "spam")[number % 2]}
                              for number in range(10)), {"text": "new", "label": "eggs"}])),
    Fault("a label that is not validated", changed(labelled(), lambda number, row: {
          **row, "label": ("ham", "spam", "eggs")[number % 3]}), "labels_not_validated", None, "`eggs`",
          severity="note", validation=lines([
              {"text": f"other {number}", "label": ("ham", "spam")[number % 2]} for number in range(12)])),
    Fault("validation in another language", lines(labelled()), "validation_in_other_script", None, "hangul",
          severity="warning", validation=lines([
              {"text": f"{number}번째 글입니다", "label": ("ham", "spam")[number % 2]}
              for number in range(12)])),
    Fault("validation rows in another format", lines(chat()), "row_unlike_most", 1, "into a file of",
          validation=lines(labelled())),
]  # fmt: skip

FAULTS = [
    *LINES_OF_FILES, *WHOLE_FILES, *VALUES, *CONVERSATIONS, *LABELS, *ANSWERS, *CHARACTERS, *SIZES,
]  # fmt: skip
