"""A user's own settings of a training: as data, and read from the file of the tool that they use.

`settings.py` is the data, in the words of HF TrainingArguments. `read.py` reads a file; each tool has a
module that takes its keys, with the tool's own defaults. Names and defaults are facts of transformers 4.40 to
5.23, TRL 1.16, LLaMA-Factory 0.9.5 and Axolotl 0.19.
"""
