# Where a base model comes from: the models folder, the hub, its cache, and moves of that cache.

cache-full-while-downloading = No space is left in the hub's cache { $cache } while { $model } is downloaded.
free-cache-or-move-it = Free space there, or keep the cache on a larger disk (HF_HUB_CACHE, or a job that moves it: ./tunedock prepare MODEL --move-cache-to STORAGE). Then submit again: the next try continues from here.
neither-folder-nor-hub-id = { $model } is neither a model folder nor a hub id.
name-folder-or-hub-id = Give a folder inside the models folder, or a hub id such as `organisation/model`.
model-gated = { $model } is gated: the hub gives it only to accounts that accepted its terms.
accept-terms = Accept the terms on the model's page, then set HF_TOKEN to a token of that account.
hub-lacks-revision = The hub has { $model }, but not its revision { $revision }.
check-revision = Check the branch, tag or commit.
hub-lacks-model = { $hub } has no model { $model }, or it is private.
hub-model-lacks-config = { $model } on the hub has no config.json.
name-transformers-model = Use a repository of a transformers model.
check-model-name = Check the spelling. For a private model set HF_TOKEN. A folder must lie in the models folder.
offline-and-not-cached = HF_HUB_OFFLINE is set, and the cache { $cache } has no complete copy of { $model }.
offline-and-incomplete = HF_HUB_OFFLINE is set, so the rest of { $model } can't be fetched.
unset-offline = Unset HF_HUB_OFFLINE for one run, or copy the model into the models folder.
hub-did-not-deliver = { $hub } did not deliver { $model }, and the cache has no complete copy. The reason: { $error }.
hub-did-not-deliver-rest = { $hub } did not deliver the rest of { $model }.
check-network = Check the network, HF_ENDPOINT and proxies, then submit again. Files that were downloaded completely are kept.

hub-failed-after-others = { $failure } Before the hub was asked, these places were searched. { $tried }
models-folder-lacks = The models folder { $folder } has no folder { $model }.
other-caches-lack = No complete copy is in { $caches }.
cache-lacks = The cache { $cache } has no copy of the model.
cache-has-part = The cache { $cache } has only a part of the model. { $missing }
or-one-that-is-here = { $advice } Or use a model that is here: { $name_choices }.
did-you-mean = Did you mean { $name_choices }? Otherwise: { $advice }

files-missing = Missing: { $files }{ $more ->
    [0] {"."}
   *[other] {" "}and { $more } more.
}
files-missing-size = The missing files have { $missing_bytes }.
download-begun = { $begun_bytes } of an interrupted download are there.
cache-incomplete = The cache { $cache } has only a part of { $model }. { $missing } The hub is asked for it.
cache-choice-unreadable = The file { $file } can't be read: { $error }.
cache-storage-unnamed = The cache was moved to the storage { $storage }, which TUNEDOCK_STORAGES no longer names. The storages are { $storages }.
cache-storage-absent = The cache was moved to the storage { $storage }, but there is no folder { $folder }. Mount the storage there.
cache-not-where-moved = { $problem } Until this is corrected, the cache { $cache } is used.
host-cache-unreadable = The host's cache { $cache } is left out, because user { $user } can't read it. Let everybody read it: sudo chmod -R a+rX { $cache }
loaded-where-it-lies = { $model } is loaded from { $folder }, where it lies, because there is no room for a copy. { $lack }
folder-has-no-revisions = The model { $model } is a folder and has no revisions, but revision { $revision } was asked for.
leave-out-revision = Leave `revision` out. To use the hub's model of that name, move this folder out of the models folder.
exaone-licence = EXAONE models are licensed for research only (EXAONE AI Model License Agreement, NC): no commercial use of the model, of adapters trained on it, or of their output. Read the LICENSE in the model's repository before you use or pass on the result.

copying-model = { $model } ({ $model_bytes }) is copied from { $old_cache } to { $new_cache }.
copy-wants-space = The copy needs { $wanted_bytes } in { $cache }, and { $spare_bytes } more must stay free. Only { $free_bytes } are free.
copy-did-not-fit = The { $model_bytes } of the model did not all fit into { $cache } ({ $error }).
no-room-to-copy = There is too little space to copy { $model }. { $lack }
free-cache = Free space in { $cache }, or keep the cache on a larger disk. Then submit again: the next try continues from here.
cached-file-damaged = The file { $file } is damaged: it does not have the hash { $sha256 } that it is named after.
delete-damaged-file = Delete the file that this link leads to, { $file }, and submit again. The hub is then asked for the file.

demo-model-not-installed = The demo model { $model } comes with the package { $package }, which is not installed.
install-demo-model = Install { $package } into Tunedock's environment, or use another base model.
demo-model-is-another = { $file } is not { $model }. Its end-of-sequence token is { $end_token }, and it writes a chat as { $chat }.
install-pinned-package = Install the version of { $package } that Tunedock pins.

cache-moved = { $model } is cached on storage { $storage } now, in { $folder }.
cache-back = The cache is back in { $cache }.
cache-back-and-copy-left = The cache is back in { $cache }. The copy that this job made, { $copy }, can be deleted.
cache-back-after-earlier-attempt = The cache is back in { $cache }: an earlier attempt of this job moved it to { $moved_to } and ended before the model was loaded from there.
cache-back-after-some-job = The cache is back in { $cache }: an earlier job moved it to { $moved_to } and ended before the model was loaded from there.
cache-back-after-job = The cache is back in { $cache }: the job { $job } moved it to { $moved_to } and ended before the model was loaded from there.
old-copy-spare = The old copy stays in { $folder } and takes { $old_bytes }. Delete that folder if no other program uses it.
old-copy-holds-more = The old copy stays in { $folder } and takes { $old_bytes }. It also holds files that were not copied, so look before you delete any.
copying-failed = Copying { $source } to { $target } failed: { $error }
check-target-writable = Check that the worker may write there and that the filesystem can hold symbolic links.
model-is-folder = The model { $model } is a folder of its own, { $folder }, and not in the cache.
move-folder-yourself = Move that folder to the other storage, and set TUNEDOCK_MODELS_DIR to the parent of its new place.
model-is-copy = The model { $model } is loaded from a copy in { $folder }, not from the cache.
move-data-folder = Move the data folder to the other storage (TUNEDOCK_DATA_DIR), or use a model of the hub that has safetensors.
storage-unknown = There is no storage { $storage }. The storages are { $storages }.
name-storage = Give one of these storages, or add this one to TUNEDOCK_STORAGES as name=path.
storage-has-no-folder = The storage { $storage } has no folder { $folder } here.
mount-storage = Mount the storage (in containers: into the worker's container), or correct TUNEDOCK_STORAGES.
cache-folder-unusable = The cache folder { $folder } on storage { $storage } can't be used: { $error }
give-folder-to-worker = Give the folder to the worker's user: sudo chown -R { $user } { $folder }
