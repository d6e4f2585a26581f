# What an evaluation says.

no-question-fits = None of the { $rows } rows can be asked: even an empty message does not fit within max_seq_length { $max_seq_length }.
shorten-instruction = Raise max_seq_length, or shorten the instruction.
no-question-rendered = None of the { $rows } rows can be asked: { $reason }.
name-model-for-questions = Name a model whose chat template takes one question and one answer.
