# What an evaluation says.

no-question-can-be-asked = None of the { $rows } rows can be evaluated. { $reason }
no-room-for-message = Even an empty message does not fit within max_seq_length { NUMBER($max_seq_length, useGrouping: 0) }.
shorten-instruction = Raise max_seq_length, or shorten the instruction.
name-model-for-questions = Use a model whose chat template takes one question and one answer.
