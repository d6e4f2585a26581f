# What the preparation of a model says.

model-has-pickles-only = The model { $model } has `.bin` weights only, which are never opened as they are.
leave-out-convert-pickle = Leave out `convert_pickle`, so that they are converted in a sandbox first.
prepared-copy-remade = The prepared copy of { $model } can't be used and is made again. { $error }
prepared-copy-unusable = The quantized copy of { $model } can't be loaded again. { $error }
use-model-without-copy = Use the model without a copy: jobs quantize it while loading. Please report this.
no-room-for-copy = There is too little space for the quantized copy. { $error }
free-data-folder = Free space in { $folder }, or move TUNEDOCK_DATA_DIR to a larger disk.

## what a preparation did, and notes on it
converted-pickles = { $pickles ->
    [one] { $pickles } pickle file was
   *[other] { $pickles } pickle files were
} converted to safetensors in a process without network.
pickles-converted-before = { $pickles ->
    [one] { $pickles } pickle file was
   *[other] { $pickles } pickle files were
} converted to safetensors already.
conversion-is-for-safety = This is for safety. A pickle that torch can map is read as fast, so no gain is predicted.
copy-is-there = The prepared copy is there already.
kept-copy = The model was kept as quantized in { $folder }.
copied-model-to-cache = The model was copied from { $old_folder } to { $new_folder }, where the cache is.
left-cache-in = The model's cache was left in { $folder }.
moved-cache-to = The model's cache was moved from { $old_folder } to { $new_folder }.
was-there-already = The cache was there already.
reading-before-and-after = Reading took { $before_seconds } before the move and { $after_seconds } after it. A move changes only the reading: the phases read and deserialize.
same-disk-no-gain = Both places are on the same disk, so no gain is expected. { $reading }
stays-where-cache-was = { $reading } The cache was in { $folder } before this job, so it stays there.
put-back = { $reading } So the cache was put back where it was.
warmed-page-cache = The weights were read into the page cache in large pieces. They stay there while memory lasts.
no-room-in-memory = Memory has no room for the weights, so they were not read into the page cache.
