# Fields of a request, in the API's reference and as options of the command.

field-revision-row = a branch, tag or commit of the hub's model; default: its main branch
field-long-text-row = rows of the format text that are longer than max_seq_length: `split` into several rows (default) or `cut`; other formats are cut
field-settings-row = the training's settings in the words of HF TrainingArguments and PEFT; default: the common recipe for a small card (2 rows 8 times, gradient checkpointing, padded to 512 tokens); they win over `settings_file`
field-settings-file-row = the text of your own file: a TrainingArguments JSON, or the YAML of LLaMA-Factory or Axolotl
field-instruction-row = what the model is told to do with each text of a classification; default: one made of the labels
field-lora-rank-row = the rank of the adapter: the larger, the more it can learn and the more memory it takes
field-lora-alpha-row = how strongly the adapter acts: what it adds is multiplied by alpha divided by the rank
field-lora-dropout-row = the share of the adapter's inputs that are set to 0 at random while it learns
field-lora-layers-row = the linear layers that get an adapter, by their names, or all of them
field-epochs-row = how often all rows are learned
field-max-steps-row = exactly so many steps, whatever n_epochs would give
field-batch-size-row = the rows of a step, after which the weights change once
field-optimizer-row = `adamw_8bit` rounds its state to 8 bits as bitsandbytes does, paged or not
field-learning-rate-row = how far the weights change in a step, after the warm-up
field-schedule-row = what the learning rate does after the warm-up; `constant` has no warm-up
field-warm-up-row = the share of the steps in which the learning rate rises from 0
field-max-length-row = the most tokens of a row; what is longer is cut, or split into several rows
field-loss-on-row = what is learned of a row: the completion alone, or all of it; default: completion; for text, all
field-gradient-norm-row = the gradient of a step is scaled down to this length where it is longer
field-seed-row = the start of every random choice, such as the order of the rows
field-model-row = a base model; or a fine-tuned model, which is its `adapter`
field-start-adapter-row = a fine-tuned model, or a checkpoint, whose weights training begins with
field-dry-run-row = check, load, plan and predict, and train nothing: the result says what it would take
field-settings-kind-row = whose file `settings_file` is; default: by its keys
field-minutes-row = the time that trials may take; five rounds are made in any case
field-move-cache-row = a storage of TUNEDOCK_STORAGES, or `default` for the cache's first place
