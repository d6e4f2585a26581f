# Why a request can't be read, let in or answered, and what to do. The titles of refusals stand last.

no-such-page = There is no such address. /docs lists the addresses that there are.
page-lacks-version = There is no address { $page }. The pages begin with /v1: end the client's base_url with /v1.
page-not-offered = Tunedock does not offer { $page }.
no-answers-here = It trains models and generates no text. GET /v1/jobs/ID/adapter downloads what a fine-tuning job made, and `peft` loads it. A job of kind `evaluation` measures it.
evaluations-are-batches = It trains models and generates no text. POST /v1/jobs takes jobs of kind `evaluation` over whole files.
evaluations-judge = POST /v1/jobs takes jobs of kind `evaluation`: the loss of a model on rows, and how often its label is right.
every-key-may-use-checkpoints = Whoever has an API key of this installation may use every checkpoint. GET /v1/fine_tuning/jobs/ID/checkpoints lists those of a job.
upload-in-one-request = Send the whole file in one request: POST /v1/files. TUNEDOCK_MAX_UPLOAD_BYTES says how large it may be.
no-organization-here = An installation has no organizations, projects or users. `./tunedock key` shows its API key.
offered-of-openais = Of OpenAI's API there are /v1/files, /v1/fine_tuning/jobs and /v1/models. /docs lists everything that there is.
no-such-method = The address exists, but not with this method. /docs lists the methods of each address.
for-this-machine-alone = This port accepts requests from this machine only. Use 127.0.0.1 or localhost in the address.
only-metrics = Only GET /metrics is available at this port.
our-fault = This is a bug in Tunedock, not in the request. Look for the request id in the log, and please report it.

key-missing = Send the API key in the header `Authorization: Bearer …`. The key is in `api.key` in the data folder, or in the file that TUNEDOCK_API_KEYS_FILE names.
key-unknown = This installation does not know this API key.
key-unknown-and-mistyped = This installation does not know this API key. The key has a typing error, or a part of it is missing.
key-made = An API key was made. It is kept in { $file }, and `./tunedock key` shows it.
keys-file-empty = The file { $file } has no API key. Write one key a line, or unset TUNEDOCK_API_KEYS_FILE.
key-too-short = Key { $place } of the file { $file } has fewer than { $fewest } characters. Use a longer one.

head-is-late = The headers of the request did not arrive completely within { $limit_seconds }. Send the request again.
query-parameter-repeated = The query parameter { $name } is given { $times } times. Give it once.
body-has-other-type = Send JSON with Content-Type application/json. The request has { $type }.
body-has-no-type = Send JSON with Content-Type application/json. The request has no Content-Type.
body-is-encoded = The Content-Encoding { $encoding } is not supported. Send the body as it is.
body-is-not-utf8 = The body is not UTF-8 text: { $error }.
body-is-not-json = The body is not JSON: { $error }.
body-has-key-twice = The body is not JSON that can be used: the key "{ $key }" is given twice in one object.
body-has-no-number = The body is not JSON: { $text } is not a number in JSON.
body-has-long-number = The body has a number of { $digits } digits. At most { $most } are read.
body-stopped = The body of the request did not arrive completely. Send the request again.
connection-broke-off = The connection closed before the whole body arrived. Send the request again.
body-too-large = The body, or a form field in it, is larger than allowed. JSON may have { $json_bytes }, and TUNEDOCK_MAX_UPLOAD_BYTES says how large a file may be.

send-one-file = Send one file in a request.
form-lacks-file = The form has no part `file` with a file name. With curl it is sent by `-F file=@rows.jsonl`.
form-has-other-type = Send the file as multipart/form-data, not as { $type }.
form-has-no-type = Send the file as multipart/form-data. The request has no Content-Type.
form-names-no-boundary = The Content-Type multipart/form-data names no boundary. Let your program write this header itself.
form-is-not-utf8 = The body is not multipart/form-data: the name of a part, or of its file, is not UTF-8.
form-lacks-its-end = The body is not multipart/form-data: it does not begin and end with the boundary that its Content-Type names.
form-field-unknown = The form field { $field } is unknown. The fields are { $fields }.
expires-after-halved = The form fields expires_after[anchor] and expires_after[seconds] belong together. Send both or neither.
expires-after-anchor = The form field expires_after[anchor] must be "created_at". It is "{ $anchor }".
expires-after-seconds = The form field expires_after[seconds] must be a whole number from { $fewest } to { $most }. It is "{ $seconds }".
purpose-missing = The form field purpose is missing. It must be { $purpose_choices }.
purpose-unknown = The form field purpose must be { $purpose_choices }. It is "{ $purpose }".

worker-is-starting = The worker is starting and has not opened its device yet.
no-worker-for-a-minute = No worker was heard from within the last minute.
worker-is-silent = The last sign of the worker was { $silent_seconds } ago.
start-worker = Start the worker (./tunedock up), or look at its log. Accepted jobs wait until it is there.

refused-by-fault = This is a bug in Tunedock. Look for the request id in the log, and please report it.
refused-malformed-request = The request can't be read: its headers, its framing, or a body that does not match its type.
refused-unauthorized = The request has no API key, or one that this installation does not know.
refused-not-found = There is no such job, file, model or address.
refused-not-offered = OpenAI's API has this address, and Tunedock has not. The message says what there is instead.
refused-method-not-allowed = The address exists, but not with this method.
refused-invalid-transition = The job's status does not allow it.
refused-not-finished = The job has no result yet, or ended without one.
refused-in-use = A job that has not ended uses this model, so it is not deleted.
refused-adapter-damaged = The files of the adapter are not those that were trained.
refused-too-large = The body is larger than allowed.
refused-invalid-field = A field is unknown, missing or out of range.
refused-model-unknown = The name is neither a hub id, nor a model folder, nor a fine-tuned model of this installation.
refused-model-unusable = The model folder is there but can't be a base model: it is an adapter or GGUF, or files are missing.
refused-dataset-unknown = The datasets folder has no data set of that name.
refused-invalid-dataset = Rows of the data set can't be used. `errors` has each reason once (at most 20), with line numbers.
refused-idempotency-mismatch = The Idempotency-Key was used with another body, or its job is deleted.
refused-too-many-jobs = The queue is full.
refused-too-many-streams = Too many streams of live events are open.
refused-store-unavailable = The job store does not answer or takes no writes. Nothing was accepted.
refused-not-ready = A part that jobs need is missing. `errors` says which one and what to do.
refused-disk-unreadable = A disk that has to be read for the answer fails. Nothing was changed.
refused-disk-full = The data folder has too little free space, or its disk takes nothing now.
