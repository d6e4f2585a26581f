# What the worker says of any job: the base model, its files, the device.

job-file-lost = The file { $name } of this job is no longer in the data folder, or can't be read ({ $error }).
restore-or-submit-again = Submit the job again. If the data folder was cleaned by hand, leave out the folder jobs: it holds what waiting jobs are to learn.
file-vanished = The file { $path } vanished while the job used it.
let-writer-finish = Wait until the model files are no longer being changed, then submit the job again.
file-not-readable = The worker runs as user { $user }, who may not read { $path }.
let-everybody-read = Let everybody read it: sudo chmod -R a+rX { $folder }

base-model-resident = The base model { $model } is in memory already.
base-model-loaded = The base model { $model } was loaded in { $load_seconds }.

card-memory-bounded = This job may hold { $allowed_bytes } of the card's memory, so that { $left_bytes } stay free: beyond that Windows would put the rest into main memory without an error, and every step would wait for it. TUNEDOCK_GPU_RESERVE_BYTES sets how much stays free.

device-out-of-memory = The { $device } has too little memory: { $error }
lower-sequence-length-or-free-memory = Lower max_seq_length, or free memory on this machine.
name-another-base-model = Choose another base model.

worker-torch-without-cuda = TUNEDOCK_DEVICE is cuda, but torch { $torch } was built without CUDA. To use the card, install torch again without TUNEDOCK_TORCH_INDEX. To use the processor, set TUNEDOCK_DEVICE=cpu (with compose: add compose.cpu.yaml to COMPOSE_FILE in .env).
worker-sees-no-card = TUNEDOCK_DEVICE is cuda, but this worker sees no NVIDIA card. Check that the driver works (nvidia-smi) and, in a container, that the container toolkit is set up. To use the processor, set TUNEDOCK_DEVICE=cpu (with compose: add compose.cpu.yaml to COMPOSE_FILE in .env).
cuda-does-not-start = TUNEDOCK_DEVICE is cuda, but CUDA { $cuda } does not start on the card: { $error }. The usual cause is a driver that is too old: CUDA 13 needs driver 580 or newer.
torch-finds-no-card = TUNEDOCK_DEVICE is cuda, but torch finds no card. To learn more, run nvidia-smi and ./tunedock doctor.

cache-moved-piece = the move to storage '{ $storage }'
