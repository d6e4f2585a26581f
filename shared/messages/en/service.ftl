# Reaching the service, running it on this machine, and its keys: what the command says of them.

## reaching it
start-it-row = Start it with: ./tunedock up
give-address-like = Give an address such as http://192.168.1.5:8080 with --server, or in TUNEDOCK_SERVER.
check-named-server = Check --server or TUNEDOCK_SERVER. Check also that the service runs there and may be reached from other machines (TUNEDOCK_API_HOST=0.0.0.0 where it runs).
other-address-named = { $variables } { $count ->
    [one] names
   *[other] name
} this address, but the service that runs on { $folder } is at { $address }. Unset { $variables }, or give --server { $address }.
address-is-none = { $address } is not the address of a service.
ipv6-in-brackets = An IPv6 address must be in brackets: http://[{ $address }]:8080.
address-with-more = The address of { $host } must have no user name, question mark, # or space.
name-without-address = This machine can't find that name. Check its spelling, or give the address as a number.
address-speaks-no-tls = The program there does not use TLS. Give the address with http://, not https://.
no-tunedock-answers = No Tunedock answers at { $address } ({ $error }).
other-program-answers = The program that answers at { $address } is not Tunedock: its /healthz answered HTTP { $status }.
other-program-leads-elsewhere = The program that answers at { $address } is not Tunedock: its /healthz answered HTTP { $status }, which leads to { $target }.
no-answer-from = There is no answer from { $address }: { $error }.
check-it-runs = Check that the service runs, and that it can be reached from here.
answer-is-no-object = The answer from { $address } is not a JSON object. It begins with { $begins }.
check-address-is-tunedock = Check that the address belongs to Tunedock, and not to another program or a login page.
answer-not-understood = The command can't read the record of a job that the server sent: { $error }
check-same-version = Check that the command and the server have the same version.
answer-of-http = The answer is HTTP { $status }: { $text }
answer-leads-elsewhere = The answer is HTTP { $status }, which leads to { $target }. Give the address that it leads to with --server.
api-silent-yet = The API does not answer yet.

## keys
give-key-of-service = Give the key of that service with --key or TUNEDOCK_API_KEY. Where it runs, `./tunedock key` prints it.
key-used = The key was { $beginning } from { $source }.
short-key-used = The key was the one from { $source }.
key-with-strange-characters = The key given by --key or TUNEDOCK_API_KEY has characters that a key can't have.
copy-key-again = Copy it again. Where the service runs, `./tunedock key` prints it.
key-wanted = The service at { $address } needs an API key, and none was given.
give-key = Give it with --key or TUNEDOCK_API_KEY. Where the service runs, `./tunedock key` prints it.
key-not-read = The API key can't be read from { $file }: { $error }.
name-keys-file-or-give-key = Set TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE as the server has it, or give the key with --key.
no-key-in-file = The file { $file } has no API key in it.
no-key-yet = There is no API key at { $file }.
key-is-made-at-start = The key is made at the first start: ./tunedock up. Where the service runs in containers, ask there: docker compose exec api tunedock key. For another data folder, set TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE as the server has it.
no-grafana-here = { $variable } is not set, so this installation has no Grafana.
ask-grafana-in-compose-row = Grafana is part of the installation with containers. Ask there: docker compose exec api tunedock key --grafana
grafana-password-not-read = Grafana's password can't be read from { $file }: { $error }.
grafana-password-is-made = It is made at the first start of docker compose up. { $variable } names its file.
grafana-password-empty = The file { $file } is empty.
delete-and-start-compose-row = Delete it and start again: docker compose up -d --wait

## running it here
starting-store-row = starting the job store
starting-services-row = starting the API and the worker: { $reason }
starting-stack-row = starting the job store, the API and the worker
stopping-stack-row = stopping; a running job saves a checkpoint and continues at the next start
stopping-row = stopping (Ctrl-C again to stop without waiting)
stopping-process-row = stopping { $process }
killing-process-row = { $process } did not stop in time, so it is killed
stopped-row = stopped
stack-stopped-row = stopped the service at { $address }
no-stack-runs-row = no service runs on { $folder }
stack-is-ready-row = Tunedock is ready. Its page: { $address } (API reference: { $address }/docs)
api-key-label = API key
key-file-row = { $file } (shown by ./tunedock key)
data-label = data
key-is-new-row = The key is new. `./tunedock key` shows it again:
ctrl-c-stops-row = Ctrl-C stops the service. A running job saves a checkpoint and continues at the next start
ended-by-signal-piece = signal { $signal }
ended-by-code-piece = exit code { $code }
process-ended = { $process } ended with { $ending }. It is started again in { $wait_seconds }.
process-ended-starts-at-once = { $process } ended with { $ending }. It is started again.
process-keeps-ending = { $process } ended { $times } times before the service was ready, the last time with { $ending }. It said:
    { $lines }
its-output-is-in = All of its output is in { $file }.
stack-not-started = The service could not start. It said:
    { $lines }
stack-not-ready = The service was not ready after { $limit_seconds }. It said:
    { $lines }
logs-are-in = The logs are in { $folder }.
stack-does-not-stop = The service (process { $process }) still runs after { $limit_seconds }.
kill-it-row = Stop it at once with: kill { $process }
data-folder-not-used = The data folder { $folder } can't be used: { $error }.
name-folder-to-write = Set TUNEDOCK_DATA_DIR to a folder that this user can write.
data-folder-in-use = A service (process { $process }, { $address }) already uses the data folder { $folder }.
use-or-stop-stack = Use that service, stop it with `./tunedock down`, or set TUNEDOCK_DATA_DIR to another folder.
data-folder-still-in-use = Processes of an earlier service still use the data folder { $folder }.
find-them-row = Find them with: fuser { $file }
leftover-ended = The process { $process } of an earlier service hung and was ended.
waiting-for-earlier-row = waiting for the processes of an earlier service to end
port-not-usable = Port { $port } of { $host } can't be used: { $error }.
name-port-or-host = Set { $variable }, or TUNEDOCK_API_HOST, to a port and an address that this user may use.
port-in-use = Port { $port } of { $host } is used by another program.
name-free-port = Set { $variable } to a free port.
no-store-for-machine = There is no embedded job store for { $system } on { $machine }.
name-own-store-row = Start Redis 6.2 or newer, or Valkey, and set its address: TUNEDOCK_STORE_URL=redis://host:6379/0
files-were-open = { $files } of the files and folders in { $folder } could be used by other users. Now only you can use them.
interrupted-row = interrupted
not-written = { $file } can't be written: { $error }.
output-not-written = The output can't be written: { $error }.
correct-the-variable = Correct the environment variable.

## jobs and adapters that are meant
no-job-begins-so = There is no job whose id begins with { $text }.
list-jobs-row = List the jobs: ./tunedock jobs
job-id-empty = The id of a job is empty.
no-job-yet = There is no job yet, so there is no last one.
no-such-job-yet = There is no job of that kind yet ({ $words }), so there is no last one.
several-jobs-begin-so-row = { $jobs } jobs begin with { $text }:
no-file-begins-so = No uploaded file has an id that begins with { $text }.
list-files-row = List the files: ./tunedock files
several-files-begin-so-row = { $files } files begin with { $text }:
file-and-size-row = { $file }, { $size }
no-model-begins-so = There is no fine-tuned model whose name begins with { $text }.
list-models-row = List the models: ./tunedock models
several-models-begin-so-row = { $models } models begin with { $text }:
made-at-row = made { $clock }
give-more-characters = Give more characters of the id.
kind-and-status-row = { $kind }, { $status }
candidates-left-row = and { $count } more
was-dry-run = Job { $job } was a dry run, which trains nothing and makes no adapter.
submit-without-dry-run = Submit it again without --dry-run.
made-no-adapter = Job { $job } is a { $kind } job whose status is { $status }. It has made no adapter.
list-jobs-with-adapter-row = Jobs that have made one: ./tunedock jobs --kind fine_tuning --status succeeded
did-you-mean-model-row = { $message } Did you mean { $model }?
folder-is-not-empty = { $folder } exists already, and is not an empty folder.
name-new-folder = Choose a folder that does not exist yet.
folder-not-written = The folder { $folder } can't be written: { $error }.
name-folder-you-can-write = Choose a folder that you can write.
downloading-adapter-row = downloading the adapter of { $job }
archive-has-stranger = The server's archive contains { $name }, which does not belong there.
archive-unreadable = The server's archive can't be read: { $error }.
