# What the reader of data sets says: why one can't be read, what is wrong with its rows, what is odd in them.

# Parts of other messages.
listed-names-piece = { $count ->
    [0] none
   *[other] { $names }
}{ $more ->
    [0] {""}
   *[other] {" "}(and { $more } more)
}
seen-in-rows = { $finding } { $more ->
    [0] { $unit ->
        [line] { $shown ->
            [one] See line { $numbers }.
           *[other] See lines { $numbers }.
        }
       *[row] { $shown ->
            [one] See row { $numbers }.
           *[other] See rows { $numbers }.
        }
    }
   *[other] { $unit ->
        [line] The first are lines { $numbers }.
       *[row] The first are rows { $numbers }.
    }
}

# A data set as a whole.
dataset-unreadable = Data set `{ $dataset }` can't be used. { $reasons }
dataset-without-rows = Data set `{ $dataset }` has no rows in any known format.
dataset-too-large = Data set `{ $dataset }` has { $file_bytes }. At most { $most_bytes } are read.
dataset-not-readable = Data set `{ $dataset }` can't be opened ({ $error }). Who reads it, in containers the service's own user, needs the permission: `chmod -R a+rX` on it.
dataset-name-invalid = { $name } can't be the name of a data set. Give a path below the datasets folder, without `..`.
dataset-unknown = There is no data set { $name }. { $count ->
    [0] The datasets folder has none.
   *[other] The datasets folder has { $names }.
}
dataset-leads-out = Data set { $name } has a link to a file outside its folder. Copy the file into the folder instead.
columns-of-no-format = `columns` maps { $fields }, and no format has these fields together.
columns-of-other-format = `columns` maps { $fields }, and the format { $format } does not have these fields together.
no-room-for-rows = There is too little free space in the data folder for the data set's normalised rows.
reader-answer-unsound = The process that reads it gave an answer that can't be used. Save it again, for example as JSON lines. If this happens again, please report it.
reader-out-of-time = Reading took longer than { $most_seconds }. Split it into smaller files.
reader-out-of-memory = Reading took more than { $most_bytes } of memory. The file may be damaged.
rows-too-large = Its rows take more than { $most_bytes }.
reader-crashed = Its reader crashed, so the file is probably damaged. Nothing else is affected. Save it again, for example as JSON lines.
reader-failed = The file is damaged, or its reader has a bug. Save it again, for example as JSON lines.
no-rows = It has no rows.
too-many-rows = It has more than { $most } rows.
too-many-labels = It has more than { $most } different labels. Check that `label` is the right column.

# Rows that can't be used.
rows-unusable = Data set `{ $dataset }`: { $rows ->
    [one] { $rows } row can't be used
   *[other] { $rows } rows can't be used
}{ $reasons ->
    [one] .
   *[other] { $are_all ->
        [true] , for { $reasons } reasons. This is the first.
       *[false] , for { $reasons } or more reasons. This is the first.
    }
} { $first }
problem-of-row = { $unit ->
    [line] Line { NUMBER($number, useGrouping: 0) }
   *[row] Row { NUMBER($number, useGrouping: 0) }
}: { $problem }
problem-of-others = { $problem } { $others ->
    [one] One more row has this problem:
   *[other] { $others } more rows have this problem:
} { $unit ->
    [line] { $others ->
        [one] line
       *[other] lines
    }
   *[row] { $others ->
        [one] row
       *[other] rows
    }
} { $numbers }{ $more ->
    [0] .
   *[other] {" "}(and { $more } more).
}

# What kind of file it is.
unknown-kind = This kind of file is not supported. Save it as JSON lines (.jsonl), CSV or TSV (with or without a header), Parquet or Arrow. To learn plain text, write it as JSON lines such as {"{"}"text": "…"{"}"}, with one paragraph or section in each.
read-as-encoding = The file is { $encoding } and was read as such.
lines-end-in-cr = The lines end in CR only, as on old Macs, and are read that way.
cells-separated = The cells are separated by { $sign ->
    [comma] commas
    [tab] tabs
    [semicolon] semicolons
   *[bar] vertical bars
} and are read that way.
cells-quoted = The cells are in double quotes, as pandas writes them, and are read without the quotes.
rows-are-python = Its rows are written as Python writes dictionaries, with single quotes. Read each line with ast.literal_eval(line), and write the row with json.dumps(row, ensure_ascii=False), one a line.
table-by-columns = { $is_split ->
    [true] It holds a table with the names of its columns apart from the rows, as pandas writes it with orient="split".
   *[false] It holds a table column by column, as pandas' to_json writes it by default.
} Write it row by row, with pandas (pip install pandas): { $command }
not-utf-8-everywhere = It is not UTF-8 everywhere: { $place }.
bad-byte-piece = line { NUMBER($line, useGrouping: 0) } has the byte { $byte }, which begins no letter of UTF-8
save-all-as-utf-8 = Open it in an editor that finds out in which encoding it is, and save it as UTF-8. Or write the letters in that line again.
encoding-broken = It is { $encoding } and damaged ({ $error }). Save it as UTF-8.
encoding-unknown = It is not UTF-8, and its encoding is not known here. Save it as UTF-8 with the program that made it.
looks-like-encoding = It is not UTF-8. { $looks } Convert it with iconv -f { $name } -t UTF-8 FILE > NEW, or save it as UTF-8 with the program that made it (in Excel: CSV UTF-8).
looks-like-cp949 = It looks like CP949 (EUC-KR), which Korean Windows and Excel use.
looks-like-cp1252 = It looks like Windows-1252 (Latin-1), which western Windows and Excel use.
looks-like-cp932 = It looks like Shift-JIS (CP932), which Japanese Windows uses.
looks-like-cp1251 = It looks like Windows-1251, which has Cyrillic letters.
looks-like-gb18030 = It looks like GB18030 (GBK), which Chinese Windows uses.

# Lines and JSON.
line-too-long = The line is longer than { $most } bytes.
line-not-utf-8 = The line is not UTF-8: its byte { NUMBER($place, useGrouping: 0) } is { $byte }, which begins no letter.{ $encoding ->
    [none] {""}
   *[other] {" "}The line would make sense in { $encoding }.
} All lines must be UTF-8.
no-json-object = It is { $type ->
    [null] null
    [boolean] true or false
    [number] a number
    [string] a text
   *[list] a list
} and not a JSON object, which has named fields.
json-twice = It is a text that holds a JSON object: json.dumps was applied twice.
nested-too-deep = It is nested deeper than { $most } levels.
number-too-long = It has a number with too many digits.
# $fault is json-fault-piece.
no-json = It is not JSON in line { NUMBER($line, useGrouping: 0) } at character { NUMBER($place, useGrouping: 0) }: { $fault }.
no-json-line = It is not JSON at character { NUMBER($place, useGrouping: 0) }: { $fault }. A line must be one whole JSON object. Correct the line, or remove it.
json-fault-piece = { $kind ->
    [begin] a row begins with {"{"}, and this one does not
    [value] there must be a text in double quotes, a number, true, false, null, a list or an object
    [name] there must be the name of a field in double quotes, and no comma after the last field
    [colon] there must be a colon between the name of a field and its value
    [comma] there must be a comma or a closing bracket. A quote inside a text is written \", and perhaps the text before this place lacks its closing quote
    [string] the text that begins here has no closing quote, so the line may be cut off
    [control] a line end, a tab or another control character stands in a text. In JSON a line end is written \n and a tab \t
    [escape] a backslash stands before a sign with which it means nothing. In JSON a backslash is written \\
    [more] the JSON value ends before this character, and more follows. Remove what follows, or put it into a line of its own
   *[other] { $error }
}
json-with-other-quotes = It is not JSON at character { NUMBER($place, useGrouping: 0) }: { $fault }. Names and texts must be in plain double quotes ("), which json.dumps writes.
key-twice = It has an object with the key { $key } twice.
number-not-in-json = It has the number { $number }, which JSON does not have.
row-too-long = It is longer than { $most } bytes.
row-cut-off = The file ends within it, so it was cut off. Copy or download the file again. If the rest can't be had, remove what there is of this row{ $end ->
    [none] .
   *[other] {" "}with the comma before it, and write { $end } at the end.
}
reading-ends = { $fault } The row begins in line { NUMBER($line, useGrouping: 0) }. Rows after it can be read only once it is correct.
list-cut-off = The file ends inside its list of rows, after { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}, so it was probably cut off. Copy or download the file again. If no row is missing, write { $end } at its end.
commas-odd = { $places ->
    [one] At { $places } place in the list of rows a comma is missing or one too many stands: it is
   *[other] At { $places } places in the list of rows a comma is missing or one too many stands. The first is
} { $row ->
    [0] before the first row
   *[other] after row { NUMBER($row, useGrouping: 0) }
}, in line { NUMBER($line, useGrouping: 0) }. The rows are read all the same, but other programs may refuse this file.
list-not-found = The list of rows inside its object can't be found. Write one object a line.
row-after-list = It comes after the end of the list (line { NUMBER($line, useGrouping: 0) }). Put the row into the list.
rest-not-read = Content after the list `{ $list }` in its object is not read. If rows are among it, put them into this list.

# Tables.
table-in-markdown = It is a table in Markdown. Save it as CSV: write a comma between two cells, put double quotes around a cell with commas in it, and leave out the bars, the spaces beside them and the line of dashes.
columns-of-one-name = Its columns { $first } and { $second } have the same name.
header-again = It repeats the header, as happens when files are joined. Remove this line.
too-few-cells = It has { $cells ->
    [one] { $cells } cell
   *[other] { $cells } cells
}, and the table has { $columns ->
    [one] { $columns } column
   *[other] { $columns } columns
}.
too-many-quoted-cells = It has { $cells } cells, and the table has { $columns ->
    [one] { $columns } column
   *[other] { $columns } columns
}. { $sign ->
    [comma] A comma
    [tab] A tab
    [semicolon] A semicolon
   *[bar] A vertical bar
} within the text of a cell needs double quotes around the cell.
too-many-plain-cells = It has { $cells } cells, and the table has { $columns ->
    [one] { $columns } column
   *[other] { $columns } columns
}. { $sign ->
    [comma] A comma
    [tab] A tab
    [semicolon] A semicolon
   *[bar] A vertical bar
} within the text of a cell must become a space, or save the file as CSV.
no-csv = It is not CSV: { $error }.
carriage-return-in-line = It is not CSV: a carriage return comes where no line ends. Save the file with the line ends LF or CRLF.
quote-never-closed = It is not CSV: a quote is opened here and never closed{ $lines ->
    [0] .
    [one] , so the next line was read as part of this cell.
   *[other] , so the next { $lines } lines were read as part of this cell.
} Write the closing quote at the end of this cell. A quote inside a quoted cell is written twice ("").
text-after-quote = It is not CSV: text comes after a closing quote, or a closing quote is missing. A cell with quotes in it stands in quotes as a whole, and each quote in it is written twice: "a"b becomes """a""b". A closing quote that is missing is written at the end of its cell.

# Arrow and Parquet.
saved-with-index = It was saved with an index by an old `datasets`. Save it again with a recent one.
state-without-file = Its state.json names no data file.
number-without-class = { $name } is a number that names no class. The number -1 means that the row has no label, as in the test part of many data sets. Give the row a class, or remove the row.
files-of-other-columns = Its data files have different columns.
file-damaged = It is damaged: { $error }.
value-unreadable = It has a value that can't be read, such as a date after the year 9999. Save that column as text.
data-file-outside = Its state.json names a data file outside its folder.
data-file-missing = Its data file `{ $file }` is missing.
data-file-leads-out = Its data file `{ $file }` is a link to a file outside the data set. Copy the file into the data set instead.
no-json-file = Its { $file } is not JSON.
no-json-object-file = Its { $file } is not a JSON object.

# Fields and formats.
columns-missing = { $count ->
    [one] It has no column { $names }.
   *[other] It does not have the columns { $names }.
}
fields-missing = { $count ->
    [one] It has no field { $names }.
   *[other] It does not have the fields { $names }.
}
columns-seen = These columns were seen: { $names }.
columns-without-header = No header was found, so the columns are called { $names }. A header must be the first line: remove what stands above it.
header-without-known-name = Its first row was read as a header. This header has { $columns ->
    [one] { $columns } column
   *[other] { $columns } columns
} and no known name. In a table without header the columns are called `column_1`, `column_2` and so on, and these names can be given.
fields-seen = These fields were seen: { $names }.
one-column = It has one column only. To learn its texts as they are, give { $setting }. To learn answers or labels, a row needs a second column. If there is one, separate its cells by commas, tabs, semicolons or vertical bars, and put double quotes around a text with such a sign.
one-column-without-name = It has one column only. To learn its texts as they are, the first row among them, give { $setting }. If the first row is a name, call it `text` instead. To learn answers or labels, a row needs a second column. If there is one, separate its cells by commas, tabs, semicolons or vertical bars, and put double quotes around a text with such a sign.
fields-wanted = A row needs { $field_choices }. If this file has other names for them, give { $setting }.
row-of-other-format = It has the fields of `{ $other }`, but the data set is in the format `{ $format }`. If all rows are like this, leave `format` out or give { $setting }. Otherwise put these rows into a file of their own.
row-unlike-most = It has the fields of `{ $other }`, but this data set is in the format `{ $format }`. Write such rows like the others, or put them into a file of their own.
row-of-two-formats = It has the fields of `{ $other }` too, but most rows are `{ $format }`. Choose one of the two with `format`.
field-is-null = { $name } is null. Give it a value, or remove the row.
row-lacks-field-of-format = It has no field { $name }, which rows in the format `{ $format }` have. These fields were seen: { $seen }. Write such rows like the others, or put them into a file of their own.
row-has-no-field = It has no field { $name }. These fields were seen: { $seen }.
row-lacks-field = It has no field { $name }. These fields were seen: { $seen }. If all rows call it by another name, give that name with `columns`.

# Values.
must-be-string = { $name } must be a string, not { $type ->
    [null] null
    [boolean] a boolean
    [number] a number
    [list] a list
    [object] an object
    [bytes] bytes
   *[other] a value of the type { $type }
}.
must-be-list = { $name } must be a list of messages, not { $type ->
    [null] null
    [boolean] a boolean
    [number] a number
    [string] a string
    [object] an object
   *[other] a value of the type { $type }
}.
text-is-empty = { $name } is empty or only white space. Give it a value, or remove the row.
text-has-nul = { $name } has a NUL character.
text-has-half-of-a-pair = { $name } has only half of a character (`{ $half }`, half of a surrogate pair). Write the whole character, or remove the row.
text-inside-piece = A text in { $name }
content-of-message-piece = `content` of message { NUMBER($number, useGrouping: 0) }
label-is-fraction = { $name } is a number with a fraction, but a label is the name of a class that many rows share. Write a class in its place, such as low or high.
label-is-no-number = { $name } has no value (NaN).
label-is-several = { $name } is { $type ->
    [list] a list
   *[object] an object
}, but here a row has one label. Write the one that fits best, as a string. To learn several labels, write all rows with `prompt` and `completion`, and the labels as one text into `completion`.
text-is-invisible = { $name } is empty: all its characters are invisible.
label-too-long = { $name } is longer than { $most } characters. Check that it is the label.

# Conversations.
list-is-empty = { $name } is empty.
list-is-python = { $name } is a string with a list in Python's notation. It must become a JSON list.
no-assistant = No message has the role `assistant`, so there is nothing to learn.
system-not-first = Message { NUMBER($number, useGrouping: 0) } has the role `system`. Only the first message may have it.
answer-without-question = Message { NUMBER($number, useGrouping: 0) } has the role `assistant`, but no message of the role `user` stands before it. If the messages are in the wrong order, exchange them. Otherwise add the user's message there, or remove this message.
question-without-answer = Message { NUMBER($number, useGrouping: 0) } has the role `user`, but no answer of the role `assistant` stands between it and the question before. Write the two messages of the user as one, or write the answer between them.
last-not-assistant = The last message, message { NUMBER($number, useGrouping: 0) }, must have the role `assistant`. Remove the messages after the last answer, or add an answer.
all-weights-zero = Every message of the assistant has `weight` 0, so there is nothing to learn.
message-must-be-object = Message { NUMBER($number, useGrouping: 0) } must be an object, not { $type ->
    [null] null
    [boolean] a boolean
    [number] a number
    [string] a string
    [list] a list
   *[other] a value of the type { $type }
}.
messages-call-tools = { $more ->
    [0] Message { NUMBER($number, useGrouping: 0) } belongs
   *[other] Message { NUMBER($number, useGrouping: 0) } and { $more } more belong
} to calls of tools ({ $names }), which can't be learned here. Remove such rows. Or write each call into `content` as text, give what the tool answered in a message of the role `user`, and remove these fields and roles.
tools-may-stay = The field `tools` of the row can stay: it is shown to the model where the model's chat template writes tools.
thought-beside-content = Message { NUMBER($number, useGrouping: 0) } has { $names }. Write the thought into `content`, before the answer and between <think> and </think> or the tags of the model.
message-has-more = Message { NUMBER($number, useGrouping: 0) } has { $names }, which is not supported. A message has `role` and `content`.
content-is-missing = { $type ->
    [null] The `content` of message { NUMBER($number, useGrouping: 0) } is null.
   *[none] Message { NUMBER($number, useGrouping: 0) } has no `content`.
}
role-unknown = Message { NUMBER($number, useGrouping: 0) } has the role { $role }. A role is `system`, `user` or `assistant`.
role-missing = Message { NUMBER($number, useGrouping: 0) } has no `role`. A role is `system`, `user` or `assistant`.
part-of-kind = Message { NUMBER($number, useGrouping: 0) } has a part of the type { $kind }. Only text can be learned here.
part-of-type = Message { NUMBER($number, useGrouping: 0) } has a part that is { $type ->
    [null] null
    [boolean] a boolean
    [number] a number
    [string] a string
    [list] a list
   *[object] an object
}. A part must be an object with a `text`. Only text can be learned here.
part-without-text = Message { NUMBER($number, useGrouping: 0) } has a part of the type { $kind } without a `text`.
role-names-field = Message { NUMBER($number, useGrouping: 0) } has the field { $name }, which is the name of a role. Write {"{"}"role": "{ $role }", "content": "…"{"}"} with the value of this field as `content`.
weight-unknown = The `weight` of message { NUMBER($number, useGrouping: 0) } must be 0 or 1.
history-not-pairs = { $name } must be a list of pairs of question and answer.

# How rows are read that other projects write.
pair-read-as-chat = { $question } is read as the user's message and { $answer } as the assistant's.
pair-read = { $question } is read as `prompt` and { $answer } as `completion`.
pair-read-with-more = { $read } The content of { $beside } is put below { $question }.
conversation-read = { $messages } is read as the conversation.
conversation-read-after-system = { $messages } is read as the conversation, and { $system } as the system's message before it.
halves-read = { $prompt } and { $completion } are lists of messages. They are read as one conversation, and the assistant's messages in { $completion } are learned.

# What helps with rows in no format.
answers-with-places = `answers` is a list of answers with their places, as in SQuAD and KorQuAD. Write the text of the first into a field `answer`. Then `question`, `context` and `answer` are read as they are.
rows-in-list = The file has one row, and its field { $name } is a list of { $rows ->
    [one] { $rows } object
   *[other] { $rows } objects
}. If these are the rows, save only this list, or one of its objects a line.
rows-by-names = The file has one row, and each of its { $rows } fields is an object. If these are the rows, save them as a list without the names, or one object a line.
preferences = These are pairs of a chosen and a rejected answer (for DPO). Here a model learns answers, not preferences. To learn the chosen answers, give { $setting }.
preferences-with-prompt = These are pairs of a chosen and a rejected answer (for DPO). Here a model learns answers, not preferences. To learn the chosen answers, give { $chat_setting } if you want to chat with the model, or { $setting } to learn them as they are, without its chat template.
map-text = To learn the texts alone, as they are, give { $setting }. To learn which label a text has, give { $label_setting } with the name of its column. For questions and answers, give { $pair_setting } with two of these names.
map-labelled-text = To learn which { $label } a text has, give { $setting }, or call the columns `text` and `label`. For questions and answers, give { $pair_setting } with two of these names.

# What is odd in rows that can be used.
validation-overlaps = { $rows } of { $of ->
    [one] { $of } row
   *[other] { $of } rows
} { $rows ->
    [one] is
   *[other] are
} among the training rows too, so the validation loss looks better than it is. Remove them from one of the two data sets.
repeated-rows = { $rows ->
    [one] { $rows } row repeats an earlier row word for word and is { $use ->
        [counted] counted
       *[learned] learned
    } again.
   *[other] { $rows } rows repeat an earlier row word for word and are { $use ->
        [counted] counted
       *[learned] learned
    } again.
} Remove the repeats if a row should count only once.
repeats-not-counted = Repeated rows were looked for among the first rows only.
contradicting-labels = { $rows ->
    [one] { $rows } row has the text of an earlier row and another label.
   *[other] { $rows } rows have the text of an earlier row and another label.
} Both are { $use ->
    [counted] counted
   *[learned] learned
}. Keep one label for each text. { $unit ->
    [line] Line { NUMBER($second, useGrouping: 0) } contradicts line { NUMBER($first, useGrouping: 0) }.
   *[row] Row { NUMBER($second, useGrouping: 0) } contradicts row { NUMBER($first, useGrouping: 0) }.
}
labels-normalised = { $rows ->
    [one] The label of { $rows } row was brought to one spelling.
   *[other] The labels of { $rows } rows were brought to one spelling.
} { $changes }
label-letters-composed = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} the letters of the label were joined (Unicode NFC), because a Mac stores Korean syllables as separate letters.
label-characters-removed = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} invisible characters were removed from the label.
label-spaces-changed = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} extra spaces were removed from the label.
label-made-whole = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} `.0` was removed from a whole number.
labels-look-alike = The labels { $labels } look alike and are { $use ->
    [counted] counted
   *[learned] learned
} as { $classes } different classes. Write them the same if they mean the same.
labels-missing = { $count ->
    [one] The label { $labels } is what programs write where a value is missing, and it is
   *[other] The labels { $labels } are what programs write where a value is missing, and they are
} { $use ->
    [counted] counted
   *[learned] learned
} as { $count ->
    [one] a class.
   *[other] classes.
} Remove those rows if they have no label.
labels-mixed = Some labels are true or false and others 1 or 0. They are { $use ->
    [counted] counted
   *[learned] learned
} as different classes: { $labels }.
labels-many = There are { $labels } different labels in { $rows } rows. A label is a class that many rows share, so { $column } may be the wrong column. With `columns` another one is read. If the labels are measured numbers, write a class in their place, such as low or high.
labels-one = All rows have the label { $label }, so there are no classes to distinguish.
fields-unused = These fields are not used, each with the number of rows that have content in it: { $fields }.
fields-unused-and-advice = These fields are not used, each with the number of rows that have content in it: { $fields }. If a text belongs to the question or the answer, write it into that field. With `columns` you choose the fields to use.
text-damaged = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} letters were lost or mixed up by a wrong encoding before the file came here (for example � or Ã©). Save the file again as UTF-8 from a source in which its letters are correct.
text-missing = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} a text or an answer is only a word such as `nan` or `None`, which programs write where a value is missing. Remove those rows if they have no value.
roles-renamed = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} the roles have other names. They are read as `system`, `user` and `assistant`.
content-joined = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} the content of a message comes in parts. Their texts are joined.
messages-in-string = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} the conversation is JSON inside a string. It is read as the list that the string holds.
weight-zero = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} a message of the assistant has `weight` 0 and is not learned.
name-dropped = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} a message has a `name`, which is not used.
