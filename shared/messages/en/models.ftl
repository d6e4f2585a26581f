# A base model by its name and its files: which model is meant, what its folder lacks, what is wrong in a file.

problem-and-remedy = { $problem } { $remedy }

no-such-model = There is no model '{ $model }'. { $tried }
model-name-is-path = This is a path. Give the name of a folder in the models folder, or a hub id.
model-name-is-address = This is an address. Give only the id of a hub model, organisation/name.
model-name-has-slashes = A name has at most one slash (organisation/name).
model-name-not-allowed = A folder's name may not be empty, begin with a dot, begin or end with a space, or hold a backslash or characters that can't be shown.
model-name-is-file = { $model } in the models folder { $folder } is a file, and a model is a folder.
not-here-and-no-hub-id = The models folder { $folder } has no folder of that name, and no model of that name was prepared here. A hub id has the form organisation/name.
not-here-and-folder-named = The models folder { $folder } has no folder of that name, and no model of that name was prepared here. The name begins with the models folder's own name.
name-it = Use the name '{ $model }'.
give-hub-id-or-folder = Give a hub id (organisation/name), or put the model's folder into the models folder.
give-name-that-is-here = Give a hub id (organisation/name), or put the model's folder into the models folder. These are here: { $names }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
model-is-fine-tuned = { $model } is a fine-tuned model: an adapter that loads on its base model. Use its base model.

folder-empty = The model folder { $folder } is empty.
folder-without-config = The model folder { $folder } has no config.json. It holds { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
copy-whole-model = Copy the whole model into the folder: config.json, tokenizer and weights.
folder-is-adapter = The model folder { $folder } holds adapter_config.json. It is an adapter and not a base model.
folder-is-adapter-of = The model folder { $folder } holds adapter_config.json. It is an adapter of the base model { $base } and not a base model.
name-base-of-adapter = To train a new adapter, use the base model that it was made from. To train this adapter further, merge it into its base model first (merge_and_unload of PEFT) and copy the result into the models folder.
name-this-base-of-adapter = To train a new adapter, use { $base }, or the folder that it lies in. To train this adapter further, merge it into its base model first (merge_and_unload of PEFT) and copy the result into the models folder.
folder-is-gguf = The model folder { $folder } holds { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
} GGUF is the format of llama.cpp, which can't be trained.
name-origin-of-gguf = Use the model that it was made from: config.json, tokenizer and safetensors as transformers saves them.
pointer-in-place-of-file = The model folder { $folder } has a Git LFS pointer in place of { $file }: the repository was cloned without its large files.
pull-large-files = Run `git lfs pull` in the folder, or download the model again.
model-one-level-deeper = The model folder { $folder } has no config.json. The model lies one level deeper, in { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
name-inner-folder = Use the name '{ $model }', or move the files one level up.
folder-of-hub-cache = The model folder { $folder } is an entry of a Hugging Face cache, whose files lie in `snapshots` below it.
name-hub-id-instead = Use the hub id of the model, or copy the files of one snapshot (cp -rL) into the folder itself.
shards-without-index = The model folder { $folder } has { $count ->
    [one] { $count } shard
   *[other] { $count } shards
} of weights but not the index { $index }, which says which tensor is in which shard.
copy-index = Copy { $index } of the same model into the folder, too.
weights-of-another-form = The model folder { $folder } has its weights in a form that transformers does not load: { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
take-safetensors = Use the model.safetensors files of the same model.
folder-without-weights = The model folder { $folder } has no weights: neither model.safetensors nor pytorch_model.bin nor an index of shards. It holds { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
copy-weights = Copy the weights into the folder: model.safetensors, or all its shards with their index.
model-folder-changed = The model folder { $folder } was changed while it was checked.
submit-again = Submit the job again.

file-leads-outside = { $file } in the model folder { $folder } is a link to a file outside that folder.
copy-linked-file = Copy the file into the folder, or link the whole folder instead.
file-not-plain = { $file } in the model folder { $folder } is not a plain file.
model-file-too-large = { $file } in the model folder { $folder } has { $file_bytes }. A file of that name may have { $most_bytes }.
file-nests-too-much = { $file } in the model folder { $folder } nests more lists and objects than the description of a model needs.
fetch-or-remove-file = Download the model again, or remove that file.
json-not-read = { $file } in the model folder { $folder } can't be read: { $error }
json-no-object = { $file } in the model folder { $folder } must hold a JSON object, but it holds a JSON { $kind }.
fetch-or-repair-file = Download the model again, or repair the file.
model-file-changed = { $file } was changed or replaced while it was read.
weight-file-not-read = A weight file can't be read: { $error }
copy-to-another-disk = If this happens again, copy the model to another disk and look at the kernel's log (dmesg).

config-too-many-values = The model's config.json holds more than { $most } values.
config-count-impossible = The model's config.json says that { $field } is { $value }. A model of { $tensors } tensors has at most { $most }.
config-of-larger-model = The model's config.json describes a model of { $described } values, and the weight files hold { $stored }.
config-wants-tensors = The model's config.json describes { $count ->
    [one] { $count } tensor
   *[other] { $count } tensors
} that the weight files lack. The first is { $first } { $shape }.
config-of-other-shape = The model's config.json gives { $tensor } the shape { $described }, and in the weight files it has { $stored }.
config-of-fewer-layers = The weight files hold { $count ->
    [one] { $count } tensor
   *[other] { $count } tensors
} of layers that the model's config.json does not count. The first is { $first }. Those layers would be left out.
weights-hold-quantized = The weight files hold { $tensor } as { $kind }, which are quantized weights, but the model's config.json does not say how they were quantized.
config-nests-too-deep = The model's config.json nests deeper than { $most } levels.
fetch-config-of-revision = Download the model's config.json again. It and the weights must be of the same revision.

stand-in = { $file } is not the file that belongs there. { $what }
headers-too-long = The headers of the weight files are too long: with that of { $file } they have more than { $most_bytes }.
safetensors-too-short = { $file } is not a safetensors file: { $bytes } bytes are too few.
not-safetensors = { $file } is not a safetensors file: its header would have { $header } bytes, and in a file of { $bytes } it may have { $most }.
header-damaged = The header of { $file } is damaged. { $what }
header-nests-too-much = It nests more lists and objects than tensors need.
header-metadata-no-text = Its metadata holds something other than text.
header-tensors-overlap = Its tensors overlap or leave a hole at byte { $byte }.
header-says-twice = It has the same key twice.
header-odd-dtype = The dtype of { $tensor } is not supported: { $dtype }.
header-odd-offsets = The offsets of { $tensor } are not valid: { $offsets }.
header-odd-shape = The shape of { $tensor } is not valid: { $shape }.
header-wrong-size = { $tensor } has { $bytes } bytes, and its shape and dtype need { $needed }.
safetensors-truncated = { $file } has { $bytes } bytes, and its header describes { $described }. It is truncated or damaged.
index-lacks = { $file } has no { $field }.
index-names-no-file = { $file } names { $name }, which is not a file name in its own folder.
index-names-missing = { $file } names the shard { $name }, which is missing.
weights-not-numbers = { $count ->
    [one] One weight holds
   *[other] { $count } weights hold
} values that are not finite numbers (NaN or infinity): { $tensors }. In { $first } these are { $wrong } of { $values } values.
weights-all-zero = { $count ->
    [one] One matrix of the weights holds
   *[other] { $count } matrices of the weights hold
} nothing but zeros: { $tensors }. A copy or download that broke off leaves such files. If the model should not have them, download it again.
tensor-of-file-piece = { $name } in { $file }
fetch-damaged-again = Delete the damaged file and download the model again, or check that the copy finished.

pickle-refused = { $file } was not loaded. { $why }
pickle-not-only-weights = This pickle contains more than weights: it tries to use { $wanted }.
conversion-left-no-file = Its conversion left something other than a file.
conversion-hit-limit = Its conversion was stopped by a limit of the sandbox ({ $limit }).
get-trusted-safetensors = Do not use this file. Get the model as safetensors, from a source that you trust.
pickle-not-converted = { $file } can't be converted to safetensors. { $why }
pickle-holds-no-dictionary = It holds a { $kind } and not a dictionary of tensors.
pickle-entry-no-tensor = Its entry { $entry } is not a tensor.
pickle-tensor-of-odd-kind = Its tensor { $tensor } is of an unsupported kind: { $kind }.
pickle-unfolds = Its tensors would take { $unfolded_bytes }, which is more than twice the size of the file.
fetch-pickle-again = Download the file again. If it still can't be converted, get the model as safetensors.
converted-copy-remade = The safetensors copy of { $model } is damaged and is made again. { $fault }
no-space-for-converted-copy = No space is left for the safetensors copy of { $folder } ({ $error }).
no-space-to-convert = No space is left to convert { $file }.
converted-copy-does-not-fit = The safetensors copy needs { $wanted_bytes }, but only { $free_bytes } are free.
free-or-move-data-folder = Free space in the data folder, or set TUNEDOCK_DATA_DIR to a larger disk.

weights-do-not-fit = The base model does not fit into the memory of { $device }: the weights take { $wanted_bytes }, but only { $free_bytes } are free.
base-model-does-not-fit = The base model does not fit into the memory of { $device }: { $error }
smaller-base-model-or-free-memory = Use a smaller base model, or free memory on this machine (other programs, other containers).
file-cut-short = { $file } ended at byte { $done } of { $size }. It was cut short while it was read.

no-copy-kept = There is no prepared copy of { $model }, so every load quantizes the model again. Free space in the data folder: { $lack }
copy-kept = A copy of { $model } with quantized weights is kept ({ $copy_bytes }). The next load reads that copy.
copy-does-not-fit = The copy takes { $wanted_bytes }, and { $spare_bytes } more must stay free. Only { $free_bytes } are free in { $folder }.
no-model-of-copy = No model can be built from { $folder }: { $error }
copy-is-no-file = { $file } is not a plain file.
manifest-names-no-file = The manifest of { $folder } names { $name }, which is not a file of that folder.
sealed-file-not-read = { $file } can't be read ({ $error }).
file-of-other-size = { $file } has { $bytes } bytes, and its manifest names { $described }.
file-of-other-hash = { $file } does not have the hash that its manifest names.
copy-lacks-tensors = { $file } lacks { $count ->
    [one] { $count } tensor
   *[other] { $count } tensors
}. The first is { $first }.
copy-lacks-tensor = { $tensor } is missing.
copy-of-odd-dtypes = { $file } holds tensors of the dtypes { $dtypes }.
copy-not-quantized = Its config.json names no quantization.
copy-of-other-shape = { $tensor } has another shape, { $shape }.
copy-has-spare-tensors = { $count ->
    [one] { $count } tensor has
   *[other] { $count } tensors have
} no place in the model. The first is { $first }.
