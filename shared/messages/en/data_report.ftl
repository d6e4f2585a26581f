# The report of a data set: what is wrong or odd in its rows, and what to change.

# Rows that can't be used.
rows-unusable-of = { $rows } of { $of ->
    [one] { $of } row
   *[other] { $of } rows
} can't be used.
mend-or-remove-rows = A training takes a data set only as a whole. Check the file again once all of these rows are correct or removed.
others-have-fault = { $others ->
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

rows-in-no-format = The rows are in no format that can be learned.

# What to change in a row or a file whose fault does not say it.
shorten-the-line = Split the text of this line into several rows.
save-as-utf-8 = If only some lines are not, write their characters again in an editor that saves UTF-8, or remove these lines. If the whole file has another encoding, as from Korean Windows, convert it: { $command }
convert-file = The letters of the other lines are the same in both encodings, so the whole file can be converted: { $command }
write-bytes-again = Other lines have letters that are UTF-8, so converting the whole file would spoil those. Write the characters of this line again in an editor that saves UTF-8, or remove the line.{ $encoding ->
    [none] {""}
   *[other] {" "}In Python, such a line is read by line.decode("{ $encoding }").
}
make-column-of-texts = Make it a column of texts with the program that made the file. In Python (pip install pandas pyarrow): table = pandas.read_parquet("FILE"), then table["NAME"] = table["NAME"]{ $type ->
    [bytes] .str.decode("utf-8")
   *[other] .astype(str)
}, then table.to_parquet("NEW.parquet").
write-json-once = Write each object once. In Python: json.loads(line) gives the text that the line should be.
put-rows-into-list = If rows are among it, put them into this list.
correct-json-there = Correct it at this place. Names and texts stand in double quotes, and commas between the fields.
split-long-one = Split this row into several, or remove it.
write-one-object-a-line = Write one object with named fields on each line, such as { $example }, or remove the line.
flatten-it = Keep only the fields that are learned, as texts.
write-number-as-text = Write that number as a text, in double quotes.
keep-one-key = Keep this key once, and remove the other one with its value.
write-null-or-remove = Write a number there, or a text in double quotes. Where there is no value, remove the row, or the field if nothing is learned from it.
remove-character = Remove the character { $character } from the text.
write-as-string = Write the value as text in double quotes, or remove the row.
write-one-text = Write the text that should be learned from it as one string, or remove the row.
write-list-of-messages = Write a list such as [{"{"}"role": "user", "content": "…"{"}"}, {"{"}"role": "assistant", "content": "…"{"}"}].
write-messages-or-remove = Write the messages of the conversation into it, or remove the row.
convert-python-list = In Python: row[NAME] = ast.literal_eval(row[NAME]) with the name of this field, then json.dumps(row, ensure_ascii=False) for the whole line.
add-answer-or-remove = Add the answer as a message of the role `assistant`, or remove the row.
move-system-message = Make it the first message of the conversation, or make it part of a message of the user.
set-one-weight = Remove `weight`, or set it to 1 for an answer that should be learned. If nothing should be learned from this row, remove the row.
remove-outer-brackets = If the messages stand in one list too many, remove the outer brackets. Each message is written as {"{"}"role": "user", "content": "…"{"}"}.
write-message-as-object = Write it as {"{"}"role": "user", "content": "…"{"}"}.
remove-other-fields = Remove what is not supported. If it is the text of the message, call it `content`.
rename-role = Write `assistant` for what the model should say, `user` for what it answers to, and `system` for an instruction at the beginning. What is none of these belongs into the text of a user's message.
add-role = Add `role`: `assistant` for what the model should say, `user` for what it answers to, and `system` for an instruction at the beginning.
write-content-or-remove = Write the text of this message into `content`, or remove the row.
remove-part-or-all = Remove that part. If the message then has no text, write one into `content`, or remove the row.
write-part-as-text = Write the part as {"{"}"type": "text", "text": "…"{"}"}, or the whole `content` as one text.
write-zero-or-one = Write 1 for an answer that is learned and 0 for one that is not.
write-pairs-or-messages = Write [["question", "answer"], …], or the whole conversation as a list in `messages`.
give-label-or-remove-it = Give it a label, or remove the row.
give-text-or-remove-it = Give it a text, or remove the row.
add-field-or-remove-it = Add the field to this row, or give it this name if it is there under another, or remove the row.
add-cells-or-remove-line = Add the cells that are missing, or remove the line. If the text of a cell goes on in the next line, put double quotes around that cell.
quote-cells = Put double quotes around a cell that has commas, quotes or line ends, and write a quote inside it twice.
choose-label-column = Choose the column of the label with `columns`, or shorten the label.
copy-whole-file-again = Copy or download the file again, or save it again with the program that made it.
rename-column = Give each a name of its own: `text` and `label` for texts and their labels, `prompt` and `completion` for questions and their answers.
put-rows-in = Write rows into the file, or choose another file.
split-the-file = Split the data set into several files, or learn from a part of it.

# Labels.
labels-rare = { $count ->
    [one] The label { $labels } is in very few rows.
   *[other] The labels { $labels } are in very few rows.
} A model learns little of a label that it sees so rarely.
add-rows-of-this-kind = Add rows with it, merge it with a label that means nearly the same, or remove these rows.
labels-unbalanced = The label `{ $most }` has { $most_rows } rows and `{ $least }` only { $least_rows ->
    [one] { $least_rows } row,
   *[other] { $least_rows } rows,
} { $times } times fewer.
always-most-frequent = A model that always answers `{ $label }` would be right in { $share_ratio } of the rows.
balance-labels = Add rows of the rare label, or remove rows of the frequent one. After training look at the recall of each label, not at the accuracy alone.
labels-are-numbers = The labels are numbers: { $labels }. The model learns to write these digits, and their meaning is nowhere in the rows.
name-labels = Write words as labels, such as positive and negative, or say with `instruction` what each number means.
labels-not-trained = { $count ->
    [one] The validation rows have the label { $labels }, which no training row has.
   *[other] The validation rows have the labels { $labels }, which no training row has.
} It can't be predicted.
train-or-remove-labels = Add training rows with this label, write the label as the training rows have it, or remove these validation rows.
labels-not-validated = { $count ->
    [one] The label { $labels } of the training rows is in no validation row.
   *[other] The labels { $labels } of the training rows are in no validation row.
}
validate-labels = Add validation rows with it if you want to know how well it is learned.

# Answers.
answers-contradict = In { $rows } of { $of } rows a question that came before has another answer. { $unit ->
    [line] Line { NUMBER($second, useGrouping: 0) } has another answer than line { NUMBER($first, useGrouping: 0) }.
   *[row] Row { NUMBER($second, useGrouping: 0) } has another answer than row { NUMBER($first, useGrouping: 0) }.
} The model learns a mixture of both.
keep-one-answer = Keep the better answer of each question. If different answers are wanted, nothing needs to change.
answers-all-same = All { $rows } answers are the same: `{ $answer }`. The model would learn to say only this.
map-other-answer = If another column or field holds the answers, name it with `columns`. If not, write the real answers into these rows.
answers-are-classes = { $rows } rows have only { $different } different answers, so the answers are labels.
answer-most-frequent = The most frequent one is `{ $answer }` in { $rows } rows.
use-classification = With the fields `text` and `label` (the format classification) an evaluation would also count how often each label is right.
answer-dominates = { $rows } of { $of } rows ({ $share_ratio }) have the same answer: `{ $answer }`. The model would say it often where it does not belong.
thin-out-answer = Remove most of the rows with this answer.
answers-repeat-question = In { $rows ->
    [one] { $rows } row the answer is the question word for word.
   *[other] { $rows } rows the answer is the question word for word.
}
write-the-answers = Write the answers into these rows, or remove the rows.
answers-cut-off = { $rows } answers have exactly { $characters } characters, and none is longer. Probably a program cut them off there, and the model would learn to stop in the middle of a sentence.
export-whole-answers = Export the answers again at their whole length, or remove these rows.
answers-in-other-script = In { $rows } of { $of } rows that were looked at the question is in one script ({ $asked }) and the answer in another ({ $answered }).
answer-in-one-language = If these are not translations, write the answers in the language of the questions.
answers-with-spaces = In { $rows ->
    [one] { $rows } row the answer begins or ends with white space, which is learned.
   *[other] { $rows } rows the answer begins or ends with white space, which is learned.
}
strip-answers = Remove the white space around the answers, in Python with text.strip().
system-in-some = Only some of the rows ({ $rows } of { $of }) have a system message.
write-system-everywhere = If the model is used with a system message, write the same one into all rows.

# Characters.
invisible-characters = { $rows ->
    [one] { $rows } row has characters that show nothing.
   *[other] { $rows } rows have characters that show nothing.
} Texts that look the same are then different for the model.
characters-seen = Seen were { $characters }{ $more ->
    [0] .
   *[other] {" "}and { $more } others.
}
remove-invisible-characters = Remove these characters with an editor or a script. Joiners that writing needs are not counted here.
letters-in-pieces = { $rows ->
    [one] { $rows } row has letters in pieces
   *[other] { $rows } rows have letters in pieces
}, as a Mac stores file names (Unicode NFD){ $others_composed ->
    [true] , and other rows have them whole.
   *[false] .
} For the model these are different words, and a Korean syllable in pieces takes several times the tokens.
compose-letters = Compose the letters of all texts. In Python: { $command }
letters-of-two-alphabets = { $rows ->
    [one] { $rows } row has a word
   *[other] { $rows } rows have words
} with Latin letters and letters of another alphabet that look like them.
write-one-alphabet = Write each word with the letters of one alphabet. Such words often come from text recognition or from senders of spam.
template-in-texts = { $rows ->
    [one] { $rows } row has
   *[other] { $rows } rows have
} signs of a chat template within the texts. The template of the model is put around the texts once more, so the model would learn the signs as words.
remove-template = Remove the signs and keep the plain texts. If the texts are to be learned exactly as they are, write each row as one `text` (the format text).
written-pieces = Seen were { $pieces }{ $more ->
    [0] .
   *[other] {" "}and { $more } others.
}
line-ends-escaped = In { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} line ends are written as a backslash and the letter n, so the model would write these two signs instead of a new line.
write-real-line-ends = The file was probably escaped twice. Replace each backslash followed by n in the texts with a real line end (in Python: text.replace("\\n", "\n")), and write the rows with json.dumps once.
markup-in-texts = { $rows ->
    [one] { $rows } row has
   *[other] { $rows } rows have
} HTML in the texts, which is learned as it stands.
remove-markup = If the model should not write HTML, remove the tags and decode the entities (in Python: html.unescape(text)).
odd-spaces = { $rows ->
    [one] { $rows } row has
   *[other] { $rows } rows have
} spaces other than the plain one, such as the one that does not break (U+00A0). Tokenizers cut them in another way.
write-plain-spaces = Replace them with plain spaces. In Python: { $command }

# The size of the data set, and its validation rows.
few-rows = There { $rows ->
    [one] is only { $rows } row.
   *[other] are only { $rows } rows.
} A model learns little from so few, or learns them by heart.
add-rows = Add rows: some hundreds for a classification or a style, more for new knowledge.
row-much-longer = One row has { $characters } characters, { $times } times as many as a usual row ({ $median }). With a model the report says whether it is cut.
look-at-that-one = Look at this row. Split it if it holds several, or remove it.
validation-learned = Among the training rows are { $rows } of the { $of } validation rows ({ $share_ratio }), so the validation loss looks better than it is.
validation-learned-otherwise = In { $rows } of { $of } validation rows ({ $share_ratio }) the question or text is that of a training row, and there is another answer or label.
overlap-first = The first is { $unit ->
    [line] line { NUMBER($number, useGrouping: 0) } of the validation file, which is line { NUMBER($learned, useGrouping: 0) } of the training file.
   *[row] row { NUMBER($number, useGrouping: 0) } of the validation file, which is row { NUMBER($learned, useGrouping: 0) } of the training file.
}
remove-from-one-file = Remove these rows from one of the two files.
give-one-answer = Decide which of the two is right and write it into both files, or remove the row from one of them.
overlap-not-counted = The training data set is so large that validation rows were looked for among its first rows only.
validation-in-other-script = The validation rows are mostly written in another script ({ $script }, { $share_ratio } of the letters) than the training rows ({ $learned_script }, { $learned_ratio }).
validate-in-same-language = Validate on rows in the language that is trained.

# With a model: its tokenizer and its chat template.
first-rows = The first, counted from the first row of the data set: { $rows }.
tokenizer-knows-little = The tokenizer of `{ $model }` knows little of { $script ->
    [hangul] Korean
    [han] Chinese characters
    [kana] Japanese
    [latin] texts in Latin letters like these
    [cyrillic] texts in Cyrillic letters
    [greek] Greek
    [arabic] texts in Arabic letters
    [hebrew] Hebrew
    [devanagari] Hindi and its like
    [thai] Thai
   *[other] this script
} and takes { $times } times as many tokens as usual.
tokens-a-letter = { $tokens } tokens for { $letters } { $script ->
    [hangul] syllables: { $seen } a syllable. Tokenizers that know Korean take about { $usual }.
   *[other] letters: { $seen } a letter. Tokenizers that know the script take about { $usual }.
}
more-tokens-cost = So rows are cut sooner, each step takes longer and needs more memory, and answers come more slowly.
choose-model-of-language = Choose a model that was made for this language{ $script ->
    [hangul] , for example an EXAONE.
   *[other] .
} With this one raise max_seq_length so that no answer is cut.

# The report as lines.
data-file-title = { $name } ({ $file_bytes }, { $kind })
file-kind-piece = { $notation ->
    [json_lines] JSON lines
    [json] JSON
    [csv] CSV
    [tsv] TSV
    [parquet] Parquet
    [arrow] Arrow
   *[other] no kind that can be read
}{ $has_encoding ->
    [true] {" "}in { $encoding }
   *[false] {""}
}
data-rows-row = { $unusable ->
    [0] { $rows ->
        [one] { $rows } row can be used
       *[other] { $rows } rows can be used
    }
   *[other] { $unusable } of { $rows ->
        [one] { $rows } row
       *[other] { $rows } rows
    } can't be used
}
repeats-label = repeats
repeats-row = { $repeated } word for word, { $contradicting } with another answer
texts-label = texts
texts-row = on average { $mean ->
    [one] { $mean } character
   *[other] { $mean } characters
}; p50 { $p50 }, p95 { $p95 }, longest { $longest } ({ $unit ->
    [line] line { NUMBER($place, useGrouping: 0) }
   *[row] row { NUMBER($place, useGrouping: 0) }
})
scripts-label = scripts
scripts-row = { $scripts }
script-piece = { $script } { $share_ratio }
labels-label = labels
labels-row = { $count }: { $labels }{ $more ->
    [0] {""}
   *[other] {" "}and { $more } more
}
overlap-label = overlap
overlap-row = { $rows } of { $of } validation rows are learned, too
data-finding-title = { $number }. { $severity ->
    [error] error
    [warning] warning
   *[note] note
}{ $part ->
    [validation] {" "}in the validation rows
   *[training] {""}
} · { $finding }{ $unit ->
    [line] {" "}· { $shown ->
        [one] line { $lines }
       *[other] lines { $lines }
    }
    [row] {" "}· { $shown ->
        [one] row { $lines }
       *[other] rows { $lines }
    }
   *[none] {""}
}{ $more ->
    [0] {""}
   *[other] {" "}(and { $more } more)
}
seen-row = seen: { $seen }
data-usable = Nothing keeps this data set from being learned.
data-usable-with-warnings = This data set can be learned. { $warnings ->
    [one] Look at the warning first.
   *[other] Look at the { $warnings } warnings first.
}
data-not-usable = This data set can't be learned until { $errors ->
    [one] the error is mended.
   *[other] the { $errors } errors are mended.
}
tokens-of-model-title = Rows as { $model } reads them, at most { NUMBER($max_seq_length, useGrouping: 0) } tokens each
token-part-title = { $part ->
    [validation] Validation rows
   *[training] Training rows
}
token-rows-row = { $rows } are learned{ $skipped ->
    [0] {""}
   *[other] , { $skipped } are skipped
}
token-lengths-row = { $mean } a row on average; p50 { $p50 }, p95 { $p95 }, longest { $longest }
cut-label = cut
token-cut-row = { $rows } rows ({ $cut_ratio }) are longer than { NUMBER($max_seq_length, useGrouping: 0) }; of { $answers } answers { $lost } are lost and { $cut } lose their end
letters-label = letters
letter-tokens-row = { $script }: { $seen } tokens a letter
letter-tokens-and-usual-row = { $script }: { $seen } tokens a letter (usual is { $usual })
rendered-row-title = Row { NUMBER($number, useGrouping: 0) }: { $tokens } tokens, { $learned } learned{ $left_out ->
    [0] {""}
   *[other] , { $left_out } not shown
}
