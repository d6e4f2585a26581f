# What the worker says of any job: the base model, its files, the device.

file-vanished = The file { $path } vanished while the job used it.
let-writer-finish = Let whoever changes the model finish, then submit the job again.
file-not-readable = The worker runs as user { $user }, who may not read { $path }.
let-everybody-read = Let everybody read it: sudo chmod -R a+rX { $folder }

base-model-resident = The base model { $model } is in memory already.
base-model-loaded = The base model { $model } was loaded in { $load_seconds }.

device-out-of-memory = The { $device } has too little memory: { $error }
lower-sequence-length-or-free-memory = Lower max_seq_length, or free memory on this machine.
name-another-base-model = Name another base model.
