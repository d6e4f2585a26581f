# Settings that can't be used, and what to do. What is wrong with a value alone is in fields.ftl.

host-unusable = { $variable } must be an address or a host's name and nothing else, for example 127.0.0.1, or 0.0.0.0 for all addresses of this machine. The port has a variable of its own. The value is { $host }.
storages-not-pairs = TUNEDOCK_STORAGES must be name=path pairs separated by commas. It has { $pair }.
storage-name-means-cache = TUNEDOCK_STORAGES can't call a storage { $name }. This name is reserved for the cache that huggingface_hub's own variables set. Choose another name.
storage-name-is-taken = TUNEDOCK_STORAGES can't call a storage { $name }. This is the name of a folder that Tunedock itself uses. Choose another name.
store-has-two-passwords = TUNEDOCK_STORE_URL has a password already. Unset TUNEDOCK_STORE_PASSWORD_FILE.
store-password-unreadable = The file { $file } of TUNEDOCK_STORE_PASSWORD_FILE can't be read: { $error }.
ports-are-equal = TUNEDOCK_API_PORT and TUNEDOCK_API_METRICS_PORT are both { $port }. Give each a port of its own.
variable-no-setting = The variable { $variable } is set and has no effect: Tunedock has no such setting. docs/settings.md lists the settings.
variable-no-setting-but-like = The variable { $variable } is set and has no effect: Tunedock has no such setting. Did you mean { $meant }? docs/settings.md lists the settings.
too-many-webhooks = TUNEDOCK_WEBHOOK_URLS has { $count } addresses. It may have { $most }.
webhook-secrets-empty = The file { $file } has no secret. It needs one a line: whsec_ and base64.
webhook-secret-unusable = Line { $place } of { $file } is no secret of a webhook. It must be whsec_ and { $fewest } to { $most } bytes in base64.
