# Webhooks: why an address was not told, and what the command says of deliveries.

webhook-given-up = The webhook to { $host } was given up after { $tries ->
    [one] { $tries } try
   *[other] { $tries } tries
}. `./tunedock webhooks` says what went wrong; --resend sends it once more.
webhook-silent = { $host } did not answer within { $limit_seconds }.
webhook-certificate-wrong = The certificate of { $host } can't be trusted: { $error }.
webhook-not-connected = There is no connection to { $host }: { $error }.
webhook-host-unknown = The host { $host } was not found: { $error }.
webhook-host-is-private = The host { $host } leads to { $address }, which is this machine's or a private network's. If it may be told of jobs, name it in TUNEDOCK_WEBHOOK_PRIVATE_HOSTS where the service runs.
webhook-speaks-no-http = The answer was no HTTP.
webhook-wants-no-more = The address answered HTTP 410: it wants no more webhooks, and gets none until one that is sent once more succeeds.
webhook-leads-elsewhere = The address answered HTTP { $status }, which leads elsewhere. Nothing is sent there; give the address itself.
webhook-refused = The address answered HTTP { $status }.
webhook-not-signed = It could not be signed: { $error }
no-such-delivery = There is no delivery { $delivery }.

## the command
no-webhooks-sent = No address was told of a job's end, and none is to be.
webhook-is-sent-row = { $delivery } is sent to { $address } now
delivery-status-row = { $status ->
    [pending] pending
    [delivered] delivered
    [failed] failed
    [off] off
   *[other] { $status }
}
webhook-secret-not-read = The file { $file } can't be read: { $error }.
