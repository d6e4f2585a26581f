# What the doctor finds wrong with an installation, and what to do about it.

doctor-looks-row = looking at the installation
doctor-status-label = { $status ->
    [ok] ok
    [warning] warning
    [error] error
   *[unknown] unknown
}
doctor-count-piece = { $status ->
    [ok] { $count } ok
    [warning] { $count ->
        [one] { $count } warning
       *[other] { $count } warnings
    }
    [error] { $count ->
        [one] { $count } error
       *[other] { $count } errors
    }
   *[unknown] { $count } unknown
}
windows-step = See docs/windows.md, step { $step }.
nothing-known-of-it = Nothing is known about it.
not-seen-in-container = This can't be seen from inside a container. Run the doctor on the host.
no-answer-in-time = It gave no answer within { $limit_seconds }.
program-not-started = It can't be started: { $error }.
program-exit-status = It ended with exit status { $code }.

## card and driver
card-not-wanted = TUNEDOCK_DEVICE is cpu, so no card is used.
cards-seen = This machine has { $cards }.
card-with-memory-piece = { $name } ({ $memory_bytes })
card-but-worker-on-cpu = This machine has { $cards }, but the worker computes on the CPU.
then-start-again = Then start the service again.
worker-computes-elsewhere = The worker computes on { $device }, which can't be seen from here.
worker-computes-on-cpu = The worker computes on the CPU.
card-in-worker-container = Only the worker's container has the card.
ask-worker-container-row = Run nvidia-smi in it: docker compose exec worker nvidia-smi
wsl-without-graphics = WSL can't use the graphics card here: /dev/dxg is missing.
install-driver-on-windows = Install NVIDIA's driver on Windows. Update WSL in PowerShell (wsl --update; wsl --shutdown). Check that the distribution is version 2 (wsl -l -v).
without-a-card = Without a card, set TUNEDOCK_DEVICE=cpu. With compose, write the line { $line } into .env, then run docker compose up -d --wait.
card-device-without-driver = { $files } { $count ->
    [one] is
   *[other] are
} there, but no driver reports a card.
card-on-bus-without-driver = There is an NVIDIA card on the PCI bus, but no driver reports it.
see-driver-below = See the line about the driver.
cuda-without-card = TUNEDOCK_DEVICE is cuda, but this machine has no NVIDIA card that can be seen.
no-card-so-cpu = No NVIDIA card can be seen on this machine, so jobs run on the CPU.
driver-not-wanted = TUNEDOCK_DEVICE is cpu, so no driver is needed.
linux-driver-in-wsl = An NVIDIA driver for Linux is installed inside WSL. It hides the driver of Windows.
remove-linux-driver = Remove it: sudo apt purge '^nvidia-.*' '^libnvidia-.*'.
driver-of-host = The driver belongs to the host, and can't be seen from this container.
no-card-no-driver = There is no card, so no driver is needed.
wsl-without-nvidia-smi = There is no nvidia-smi in /usr/lib/wsl/lib: NVIDIA's driver is not installed.
without-nvidia-smi = There is no nvidia-smi: NVIDIA's driver is not installed.
nvidia-smi-failed = { $program } failed: { $said }
nvidia-smi-shows-no-card = { $program } found no card. It wrote: { $said }
nvidia-smi-shows-nothing = { $program } found no card, and wrote nothing.
torch-of-image-piece = the image's torch
torch-version-piece = torch { $version }
driver-but-no-cuda = The driver { $driver } runs, but { $torch } is built without CUDA, so jobs run on the CPU.
driver-too-old = The driver { $driver } is too old: { $torch } needs { $needed } or newer.
update-driver = Update the driver{ $windows ->
    [true] {" "}on Windows
   *[false] {""}
}, or use the build of torch for CUDA 12.6: set TUNEDOCK_TORCH_INDEX to PyTorch's index of cu126 builds, and install (or build the image) again.
card-too-old = { $card } (compute capability { $capability }) is older than CUDA 13 supports.
use-newer-card = Use a card of the Turing generation or newer, or use the build of torch for CUDA 12.6: set TUNEDOCK_TORCH_INDEX to PyTorch's index of cu126 builds, and install (or build the image) again.
driver-fits = The driver is { $driver }, and { $torch } needs { $needed } or newer.
torch-without-cuda = The torch { $version } here is built without CUDA. Unset TUNEDOCK_TORCH_INDEX, remove .venv and run ./tunedock again.
look-what-chose-cpu = Check whether the worker was started with TUNEDOCK_DEVICE=cpu or compose.cpu.yaml, and read its log ({ $log }).
take-cpu-file-out = Remove { $file } from COMPOSE_FILE in { $place }, and read the worker's log ({ $log }).
the-environment-piece = the environment
cpu-build-in-image = If its torch is a CPU build: unset TUNEDOCK_TORCH_INDEX and build the image again (docker compose up -d --build --wait).
image-has-cpu-build = The image has the CPU build of torch. Unset TUNEDOCK_TORCH_INDEX and build the image again (docker compose up -d --build --wait).
never-inside-wsl = Install the driver on Windows, never inside WSL, then run wsl --shutdown.
install-driver = Install NVIDIA's driver { $needed } or newer, and restart the machine.
windows-blocks-card = Windows does not let WSL use the card. Update the driver on Windows, then run wsl --update and wsl --shutdown. In a container, set no-cgroups = false in /etc/nvidia-container-runtime/config.toml.
driver-updated-under-way = The driver was updated while the system was running. Restart the machine.
driver-hangs = The driver does not answer. Restart the machine (in WSL: wsl --shutdown), then read the kernel's messages (dmesg).
restart-after-update = After an update of the driver, restart the machine.

## containers
no-docker-command = There is no docker command. The command ./tunedock up needs none.
docker-does-not-work = The command docker does not work: { $problem }
engine-seen = Docker { $version } runs on { $system }, with { $count ->
    [0] no runtimes
    [one] the runtime { $runtimes }
   *[other] the runtimes { $runtimes }
}.
this-machine-piece = this machine
cpu-file-is-chosen = { $file } is used, so no card is requested.
containers-can-have-card = Containers can use the card.
desktop-has-own-support = Docker Desktop supports cards itself, in its WSL 2 backend.
ask-docker-for-card = Test it: docker run --rm --gpus all ubuntu nvidia-smi. If that ends with '{ $refusal }', see docs/windows.md, step 2.
no-nvidia-runtime = There is no NVIDIA runtime, so docker compose up ends with: { $refusal }.
install-toolkit = { $place ->
    [card] With a card, install
    [wsl] Inside this WSL distribution, install
   *[here] Install
} the package nvidia-container-toolkit. Then: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker{ $place ->
    [wsl] {" "}(without systemd: sudo service docker restart)
   *[here] {""}
}.
allow-docker-to-user = Allow this user to use the engine: sudo usermod -aG docker $USER, then log in again.
switch-wsl-integration-on = Turn on this distribution in Docker Desktop: Settings, Resources, WSL integration.
start-the-engine = Start the engine (Docker Desktop, or sudo systemctl start docker). The command ./tunedock up needs none.
no-container-runs = No container of this checkout runs. The command docker compose would read { $files }.
containers-as-chosen = The containers were started with { $files }, as any docker compose here would start them.
containers-of-other-files = The containers were started with { $files }, but a plain docker compose up -d reads { $chosen }. That would make a different installation.
write-compose-files-row = Write this line into { $file }: COMPOSE_FILE={ $value }
dotenv-beside-compose-piece = .env, beside docker-compose.yml
no-webhooks-from-containers = No webhook is to be sent from containers, as far as this can be told from here.
webhooks-may-leave = The file { $file } is used, so that webhooks may leave the machine.
webhooks-stay-in-containers = Webhooks are to be sent, but without { $file } nothing that the containers' API sends leaves this machine. They are tried for three days and then given up.
then-up-again-row = Then start it again: docker compose up -d --wait

## folders
folder-place-piece = { $folder } ({ $filesystem } on { $source })
folder-place-to-be-piece = { $folder } ({ $filesystem } on { $source }, does not exist yet)
unknown-filesystem-piece = unknown filesystem
unknown-disk-piece = an unknown disk
folder-is-at = The folder is { $place }.
repository-in-image = It is part of the image.
repository-on-windows-drive = { $place } is on a drive of Windows. Starting is slow there, and the folder ./data is there, too.
clone-on-linux-side = Clone it on the Linux side (git clone … ~/tunedock).
leave-windows-drive = Every read there goes from Linux to Windows, which is slow (90 to 250 MB/s were measured on a disk that reads several GB/s). Keep it on the Linux side, for example under ~/, or in a named volume.
leave-windows-drive-by = Every read there goes from Linux to Windows, which is slow (90 to 250 MB/s were measured on a disk that reads several GB/s). Keep it on the Linux side, for example under ~/, and set { $setting } to it, or keep it in a named volume.
data-place-not-written = { $place } can't be written.
give-data-folder-to-user = Make this user its owner, or set TUNEDOCK_DATA_DIR to another folder.
folder-is-missing = { $folder } does not exist.
make-folder-or-name-other = Make it, or set { $setting } to another folder.
folder-on-windows-drive = { $place } is on a drive of Windows.
folder-of-outer-machine = { $place } is shared by the machine that this one runs in.
folder-on-network = { $place } is on a network or FUSE filesystem.
folder-in-layer = { $place } is inside the container, and is deleted with it.
folder-in-memory = { $place } is in memory, and is lost at the next restart.
use-local-disk = Set { $setting } to a folder on a local disk.
use-a-disk = Set { $setting } to a folder on a disk.
mount-a-volume = Mount a volume there, or set TUNEDOCK_DATA_DIR to a mounted folder.
free-space-unknown = The free space of the data folder can't be read.
free-space = The data folder has { $free_bytes } free.
free-space-of-both = The data folder has { $free_bytes } free, and the model cache { $cache_bytes }.
free-space-too-little = The data folder has { $free_bytes } free, less than TUNEDOCK_MIN_FREE_BYTES ({ $limit_bytes }). Uploads and jobs are refused.
make-room-row = Delete what is not needed: old jobs (./tunedock prune --dry-run shows which), fine-tuned models (./tunedock delete ft:…), old base models in the cache (hf cache prune)
model-may-not-fit = { $model } is not in the cache, and models of its size take about { $model_bytes }.
free-space-or-move-cache = Free some space, or set { $setting } to a folder on a larger disk.
service-of-others-data = The service at { $address } was not started from here, so its data folder can't be seen.
ask-doctor-there-row = If it runs in containers, ask there: docker compose exec api tunedock doctor
data-takes = { $complete ->
    [true] { $folder } takes { $total_bytes }.
   *[false] { $folder } takes at least { $total_bytes }.
}
data-takes-by-kind = { $complete ->
    [true] { $folder } takes { $total_bytes }: { $kinds }.
   *[false] { $folder } takes at least { $total_bytes }: { $kinds }.
}
data-kind-piece = { $kind ->
    [uploads] uploads
    [rows] rows
    [checkpoints] checkpoints
    [adapters] adapters
    [reports] reports
    [journals] journals
    [prepared_models] prepared models
    [store] the store
   *[other] other files
} { $kind_bytes }

## the model cache
cache-decided-piece = { $place }, decided by { $decider }
cache-of-worker-piece = the worker's { $variable }
cache-of-worker-environment-piece = the worker's environment
cache-default-piece = default
cache-of-other-service = The service at { $address } was not started from here. What it uses is not { $folder }.
ask-worker-there-row = Ask there, where the worker can tell: docker compose exec api tunedock doctor
cache-in-worker-container = The worker's container has it, not this one.
cache-in-worker-container-at = The worker's container has it at { $folder }, not this one.
diagnosis-measures-row = A diagnosis names its disk and measures it: tunedock diagnose MODEL
environment-of-worker-container = The worker's container has its own environment.
worker-tells-in-log = The worker tells it while it runs: { $log }.
variables-have-effect = The cache is decided by { $decider }. Every variable that is set has an effect.
variables-ignored = { $variables } { $count ->
    [one] is
   *[other] are
} ignored by transformers 5. The cache is { $folder }, decided by { $decider }.
unset-since-moved = Unset it, because a job has moved the cache.
set-cache-variable = If the models are there, set HF_HUB_CACHE={ $folder } and unset the other.
host-cache-in-worker-container = Only the worker's container sees it.
host-cache-not-set = TUNEDOCK_HOST_HF_CACHE is not set, so there is no other cache to copy from.
host-cache-missing = TUNEDOCK_HOST_HF_CACHE names { $folder }, which does not exist here.
name-filled-cache = Set it to the folder of the cache that your programs use.
engine-makes-empty-folder = If the folder does not exist, the engine makes an empty one.
host-cache-not-read = The worker's user can't read { $place }.
let-others-read = Let other users read it (chmod -R o+rX), or unset the variable.
host-cache-empty-or-unset = { $place } is empty. If you set TUNEDOCK_HOST_HF_CACHE, that folder has no models.
host-cache-without-models = { $place } has no model (no folder models--… in it or in its hub).
mounted-place-piece = { $place }, which is { $root } on the host,
cache-read-once = It is slow, but it is read only once, when models are copied from it.
cache-across-network = { $place }. Every load reads through it.
cache-in-layer = { $place }. It is inside the container, so a new container downloads everything again.
cache-in-memory = { $place }. It is in memory, and is lost at the next restart.
cache-on-windows-drive = { $place }. It is on a drive of Windows.
cache-in-windows-image = { $place }. It is in a disk image of Windows, and which disk holds that image can't be seen from here.
cache-on-virtual-disk = { $place }. The disk reports itself as a hard disk, as most virtual disks do.
cache-on-hard-disk = { $place }. That is a hard disk.
cache-place = { $place }.
mount-named-volume = Mount a named volume there.
keep-image-on-ssd = Keep the image on the SSD.
measure-it-row = Measure it: ./tunedock diagnose MODEL
move-cache-on = Move it to a local disk, preferably an SSD: ./tunedock prepare MODEL --move-cache-to STORAGE.
copy-cache = Copy it with its links (cp -a) to a local disk, preferably an SSD, and set { $setting } to the copy.

## the machine
memory-not-read = The file /proc/meminfo can't be read.
memory-seen = The machine has { $memory_bytes }.
memory-seen-for-wsl = WSL has { $memory_bytes }.
memory-of-wsl-small = WSL has { $memory_bytes }, less than the { $model_bytes } of EXAONE-3.5-2.4B's files. So they are read from the disk at every load.
raise-wsl-memory = Raise memory= in .wslconfig, then run wsl --shutdown.
spill-unknown = When a card is full, Windows may use main memory instead and not say so, which is many times slower. This setting can't be read from here, and WSL does not follow it (microsoft/WSL#11050).
watch-shared-memory = Watch the shared GPU memory in the Task Manager, and close other programs that use the card.
spill-none = A full card ends the job with an error here. Only Windows continues in main memory, slowly.
power-battery-piece = on battery
power-mains-piece = on mains
power-profile-piece = profile { $profile }
power-governor-piece = governor { $governor }
power-seen = The machine shows: { $power }.
power-saves = The machine shows: { $power }. It is set to save power.
power-of-windows-unknown = The power mode of Windows can't be read from here.
power-not-shown = This machine shows no power supply or profile.
plug-it-in = Connect the power supply. On battery, the card of a laptop is much slower.
choose-performance-profile = Choose the performance profile (powerprofilesctl set …).
choose-best-performance = Choose best performance in Windows: Settings, System, Power.

## store, API, key and worker
start-compose-row = Start the service: docker compose up -d --wait
start-or-compose-row = Start the service: ./tunedock up, or docker compose up -d --wait
start-here-row = Start the service: ./tunedock up
start-store-row = Start the store: docker compose up -d store. Why it stopped: docker compose logs store
store-setting-wrong = The store's address can't be used: { $detail }
correct-the-setting = Correct the setting.
store-refuses-password = { $store_kind ->
    [embedded] The embedded store
   *[own] The store
} at { $address } refuses the password: { $detail }
set-store-password = Set the server's password in TUNEDOCK_STORE_URL (redis://:PASSWORD@host:6379/0) or in the file that TUNEDOCK_STORE_PASSWORD_FILE names.
store-still-reads = { $store_kind ->
    [embedded] The embedded store
   *[own] The store
} at { $address } is still reading its log.
wait-for-store = Wait. Jobs continue afterwards.
store-accepts-but-silent = { $store_kind ->
    [embedded] The embedded store
   *[own] The store
} at { $address } accepts connections but does not answer: { $detail }
look-at-store-disk = Look at the store's log and its disk. A full disk, or a machine that swaps, makes it slow.
store-unreachable = { $store_kind ->
    [embedded] Nothing answers for the embedded store
   *[own] Nothing answers for the store
} at { $address }: { $detail }
look-into-store-log-row = Read data/logs/store.log, then start again: ./tunedock up
start-store-or-correct = Start the server, or correct TUNEDOCK_STORE_URL.
store-answers = { $store_kind ->
    [embedded] The embedded store
   *[own] The store
} at { $address } answers ({ $version }).
store-is-durable = It logs every change to disk.
store-too-old = It is too old.
use-newer-store = Use Redis 6.2 or newer, or Valkey.
store-in-memory-only = It keeps changes in memory only (appendonly no), so a power cut loses accepted jobs.
make-store-durable = Start it with appendonly yes and appendfsync always.
store-evicts = It drops records when its memory is full (maxmemory-policy { $policy }).
make-store-keep = Start it with maxmemory-policy noeviction.
api-reaches-store = The API at { $address } reaches its store.
api-misses-store = The API can't reach its store: { $problem }
store-log-says-more-row = Its log says more: data/logs/store.log
api-misses-other-things = The API at { $address } is not ready, but not because of its store.
embedded-store-stopped = The embedded store is not running: no service runs on the data folder { $folder }.
api-does-not-answer = No Tunedock answers at { $address }.
api-not-ready = The API at { $address } answers, but it is not ready: { $reasons }
reason-row = { $path }: { $message }
no-reason-given = It gives no reason.
see-other-lines = See the other lines.
api-is-ready = The API at { $address } answers and is ready.
service-of-others = The service at { $address } was not started from here.
ask-key-there-row = If it runs in containers, ask there: docker compose exec api tunedock key
key-is-made-first = The key is made at the first start. If the service runs in containers, ask there: docker compose exec api tunedock key.
key-not-tried = { $file } holds a key, but the API could not be asked about it.
key-refused = The API at { $address } refuses the key in { $file }.
give-server-s-folder = Set TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE as the server has it. A service in containers has its own key: docker compose exec api tunedock key.
key-taken = The API accepts the key in { $file }.
worker-log-says-more = Its log says more: { $log }.
worker-works-on = It works on { $device }.
unnamed-device-piece = an unnamed device
no-device-piece = no device yet
worker-not-ready = It is not ready: { $problem }
wait-a-minute = Wait a minute if it has just started.
worker-does-not-run = It does not run. Its last sign of life was { $run_seconds } ago.
worker-alive = It runs on { $device }. The API can't say more.
worker-silent = Its last sign of life was { $run_seconds } ago.
worker-unknown = Nothing is known about it while the API does not answer.
see-card-and-driver = See the lines about the card and the driver.
webhooks-unknown = Nothing is known about them while the API does not answer.
webhooks-none = No address is told of a job's end.
webhooks-delivered = { $count ->
    [one] The newest one was delivered.
   *[other] The newest { $count } were delivered, or are on their way.
}
webhooks-not-delivered = Of the newest { $count }, { $not_delivered } { $not_delivered ->
    [one] was
   *[other] were
} not delivered. The last of these was to { $address }. { $problem }
see-webhooks-row = See all of them: ./tunedock webhooks; then --resend DELIVERY sends one once more
store-memory-unknown = The store did not say how much memory it uses.
store-memory-unlimited = The store uses { $used_bytes } and has no memory limit.
store-memory-used = The store uses { $used_bytes } of { $limit_bytes } ({ $used_ratio }).
store-memory-nearly-full = The store uses { $used_bytes } of { $limit_bytes } ({ $used_ratio }). When it is full, every new job is refused with 503.
see-what-prune-deletes-row = See what would be deleted: ./tunedock prune --dry-run --keep-jobs 1000; then run it without --dry-run
