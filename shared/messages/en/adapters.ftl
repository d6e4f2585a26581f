# Adapters: those that are made and those that are used.

target-modules-unknown = The base model has no linear layer named { $layers }.
choose-target-modules = Choose lora.target_modules from { $layer_choices }.
adapter-module-unknown = The adapter has a part for { $module }, which is not a module of { $family }.
name-plain-layers = Give linear layers by their plain names, for example q_proj, v_proj, o_proj or gate_proj.

adapter-gone = The files of the adapter { $adapter } are gone.
train-again-or-restore = Fine-tune again, or restore the job's folder from a backup.
adapter-damaged = The adapter is damaged: its files do not match its manifest.
adapter-unreadable = The adapter can't be read: { $error }
adapter-does-not-fit = The adapter does not fit { $model }: { $error }
train-adapter-again = Train the adapter again.
adapter-of-other-model = The adapter was made for { $made_for }, and the base model is { $model }.
name-adapter-model = Give { $model } as the model.
adapter-of-other-revision = The adapter was made for revision { $made_for } of { $model }, and the base model is revision { $revision }.
give-revision = Give the revision { $revision }.
