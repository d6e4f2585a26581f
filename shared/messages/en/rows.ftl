# What becomes of the rows of a data set on their way to tokens: skipped, cut, written in another way.

of-part = { $part ->
    [training] Training rows
    [validation] Validation rows
   *[evaluation] Evaluation rows
}: { $message }

rows-skipped = { $skipped } of { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} { $skipped ->
    [one] is skipped.
   *[other] are skipped.
} { $reasons }
turns-refused = { $rows ->
    [one] One row is learned without some of its answers.
   *[other] { $rows } rows are learned without some of their answers.
} { $reasons }
reason-of-rows = { $rows ->
    [one] { $rows } row: { $reason }
   *[other] { $rows } rows: { $reason }
}
reason-of-answers = { $answers ->
    [one] { $answers } answer: { $reason }
   *[other] { $answers } answers: { $reason }
}
more-reasons = { $reasons ->
    [one] There is { $reasons } more reason.
   *[other] There are { $reasons } more reasons.
}

# Reasons. An error that is quoted is in the words of the template's author.
reason-of-before = { $reason }
no-token-to-learn = No token that is to be learned lies within max_seq_length { NUMBER($max_seq_length, useGrouping: 0) }.
template-refuses = The chat template refuses the conversation: "{ $error }".
answer-end-depends-on-words = The chat template ends an answer in a way that depends on its words.
answer-not-written = The chat template does not write the assistant's words.
answer-written-otherwise = The chat template changes the assistant's words.
too-many-turns = The chat template writes more than { $most } turns differently when other turns follow.
token-for-character-missing = The tokenizer has no token for a character that is to be learned.
answer-lost-in-tokens = The tokens of an answer do not decode to the answer's words.

rows-cut = { $rows ->
    [one] One row is longer than max_seq_length { NUMBER($max_seq_length, useGrouping: 0) } and was cut.
   *[other] { $rows } rows are longer than max_seq_length { NUMBER($max_seq_length, useGrouping: 0) } and were cut.
} { $lost_tokens } of { $tokens } rendered tokens ({ $lost_ratio }) are lost.
answers-lost = { $lost } of { $answers } answers ({ $lost_ratio }) are not learned at all.
answers-not-rendered = { $answers ->
    [one] One of them comes so far behind the limit that it was not rendered.
   *[other] { $answers } of them come so far behind the limit that they were not rendered.
}
answers-without-end = { $answers ->
    [one] One answer loses its end: the model does not learn from it when to stop.
   *[other] { $answers } answers lose their end: the model does not learn from them when to stop.
}
to-hold-rows = Raise max_seq_length { $known ->
    [true] to { NUMBER($longest, useGrouping: 0) }, which holds the longest row,
   *[false] above { NUMBER($longest, useGrouping: 0) },
} or { $otherwise ->
    [split] let long texts be split (long_text: split)
    [shorten_before] shorten the text before the completion
   *[shorten] shorten the rows
}.
texts-split = { $texts ->
    [one] One text is longer than max_seq_length { NUMBER($max_seq_length, useGrouping: 0) } and is split.
   *[other] { $texts } texts are longer than max_seq_length { NUMBER($max_seq_length, useGrouping: 0) } and are split.
} Nothing is lost. { $rows ->
    [one] { $rows } row becomes { $made }.
   *[other] { $rows } rows become { $made }.
}

end-appended = The chat template writes no end token after an answer. The tokenizer's end of sequence is learned after the answers of { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}, so that the model learns to stop.
no-end-to-learn = Neither the chat template nor the tokenizer has an end token for the answers of { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}. The model does not learn from them when to stop.

conversations-unrolled = { $conversations ->
    [one] One conversation is learned as several rows, one for each answer with what the model sees before it.
   *[other] { $conversations } conversations are learned as several rows, one for each answer with what the model sees before it.
} Once more turns follow, the chat template writes an answer in another way or without its end. { $rows ->
    [one] { $rows } row becomes { $made }.
   *[other] { $rows } rows become { $made }.
}
tools-not-written = The chat template does not write the tools of { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}. The answers are learned without them.
role-not-written = The chat template does not write a message of the role { $role } in { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}. The answers are learned without it.
thoughts-not-written = { $answers ->
    [one] The chat template leaves out the thought of one answer.
   *[other] The chat template leaves out the thoughts of { $answers } answers.
} Only what follows the thought is learned.
thoughts-closed = The chat template opens a thought before an answer, and { $answers ->
    [one] one answer has none. It is learned after an empty thought.
   *[other] { $answers } answers have none. They are learned after an empty thought.
} Use the tuned model in the same way: with an empty thought in the prompt.

thoughts-in-other-tags = The chat template opens a thought before an answer, and { $answers ->
    [one] one answer has its thought
   *[other] { $answers } answers have their thoughts
} in other tags. They are learned after an empty thought, with these tags as part of the answer. Write the thoughts in the tags of the chat template.
words-before-answers = The chat template writes "{ $words }" before an answer, but its generation prompt does not. The answers are learned after these words, which the tuned model has to write by itself.
words-after-answers = The chat template writes "{ $words }" between an answer and its end token. These words are learned with every answer.

characters-unknown = { $rows ->
    [one] In one row
   *[other] In { $rows } rows
} the model's tokenizer has no token for { $characters ->
    [one] one character
   *[other] { $characters } characters
} outside the answers. The model does not see what they are, and does not learn them.
characters-changed = { $rows ->
    [one] In one row
   *[other] In { $rows } rows
} the model's tokenizer changes characters of an answer: it composes or simplifies them. The model learns the changed characters.
own-special-tokens = { $rows ->
    [one] One row has special tokens of the model in its text.
   *[other] { $rows } rows have special tokens of the model in their text.
} Where a row begins or ends with such a token, no other is added there.
no-chat-template-applied = { $rows ->
    [one] One row of prompt and completion is learned as it stands.
   *[other] { $rows } rows of prompt and completion are learned as they stand.
} The model has a chat template, which is not applied here. If you want to chat with the model, give { $setting }. Each row then becomes a message of the user and its answer.

no-row-can-be-learned = None of the { $rows } rows can be trained on. { $reasons }
name-model-with-characters = Use a model whose tokenizer knows these characters.
follow-chat-template = Write the rows as the model's chat template expects them, or use another model.
tokenizer-without-offsets = The tokenizer { $tokenizer } does not give the position of a token in the text.
name-model-with-fast-tokenizer = Use a model that comes with a tokenizer.json.
text-has-no-completion = Rows in the format text have no completion, and loss_on is completion.
leave-out-loss-on = Leave loss_on out or set it to all, or use rows with prompt and completion.
format-not-split = Rows in the format { $format } can't be split, and long_text is split.
leave-out-long-text = Leave long_text out or set it to cut. Only rows in the format text are split.
