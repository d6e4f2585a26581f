# What the preparation of a model says.

model-has-pickles-only = The model { $model } has `.bin` weights only, which are never opened as they are.
leave-out-convert-pickle = Leave out `convert_pickle`, so that they are converted in a sandbox first.
prepared-copy-remade = The prepared copy of { $model } can't be used and is made again: { $error }
prepared-copy-unusable = The quantized copy of { $model } can't be loaded again: { $error }
use-model-without-copy = Use the model without a copy: jobs quantize it while loading. Please report this.
no-room-for-copy = There is too little space for the quantized copy: { $error }
free-data-folder = Free space in { $folder }, or move TUNEDOCK_DATA_DIR to a larger disk.
