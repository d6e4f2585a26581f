# What is wrong with a field of a request, and the value that was seen.

the-body = The body{ "" }
name-in-field = The name "{ $name }" in { $field }

field-missing = { $field } is required.
field-unknown = { $field } is an unknown field. The fields are { $fields }.
field-unknown-but-like = { $field } is an unknown field. Did you mean { $meant }?
field-unknown-and-none-known = { $field } is an unknown field. There are no fields here.
field-of-other-type = { $field } must be { $wanted ->
    [text] text
    [whole-number] a whole number
    [number] a number
    [truth] true or false
    [list] a list
   *[object] an object
}.
field-not-one-of = { $field } must be { $word_choices }.
field-not-one-of-or-type = { $field } must be { $word_choices }, or { $wanted ->
    [text] another text
    [whole-number] a whole number
    [number] a number
    [truth] true or false
    [list] a list
   *[object] an object
}.
field-empty = { $field } must not be empty.
field-too-short = { $field } must have at least { $fewest } characters.
field-too-long = { $field } must have at most { $most } characters.
field-has-few-entries = { $field } must have at least { $fewest } entries.
field-has-many-entries = { $field } must have at most { $most } entries.
field-has-many-digits = { $field } must be a whole number with fewer digits.
field-not-finite = { $field } must be a finite number.
field-not-more = { $field } must be more than { $limit }.
field-too-small = { $field } must be at least { $limit }.
field-not-less = { $field } must be less than { $limit }.
field-too-large = { $field } must be at most { $limit }.
field-unlike = { $field } must be { $wanted ->
    [plain-text] text without control characters
    [file-id] a file's id: `file-` and 24 letters and digits
    [suffix] made of letters, digits and any of . _ -
    [revision] a branch, tag or commit: letters, digits and any of . _ / -
    [layer] the last part of a layer's name, for example q_proj: letters, digits and _
    [filter-key] one character or more, without brackets
    [event-id] an event's id, for example 1-42
    [stream-id] an id of this stream, for example 1764532800000-0
    [webhook-url] an address that begins with http:// or https://, in letters without accents; other characters are percent-encoded
   *[listed-event-id] an event's id, as the list of events has it
}.
field-unlike-pattern = { $field } must match the pattern { $pattern }.
field-wrong = { $field } can't be used: { $error }.
fields-left = { $count ->
    [one] { $count } more field is wrong
   *[other] { $count } more fields are wrong
}.

value-seen = It is { $value }.
value-begins-with = It begins with { $value }.
value-is-object = It is an object.
value-is-empty-object = It is an empty object.
value-is-list = It is a list of { $count ->
    [one] { $count } entry
   *[other] { $count } entries
}.
value-is-empty-list = It is an empty list.

give-one-field = Give either { $field_choices }.
field-needs-model = { $field } is about the rows as a model reads them. Give model, too.
give-only-one-field = Give only one of { $fields }.
webhook-url-unreadable = The address of a webhook must be like https://example.com/hook, with a host and without anything that is no address. It is { $url }.
webhook-url-has-password = The address of a webhook can't have a user name or a password. Put a secret word into its path or its query, or check the signature that every webhook has.
webhook-address-is-private = The address { $url } of `webhook` leads into this machine or a private network, where a job may not send anything. Use a public address, or have { $host } named in TUNEDOCK_WEBHOOK_PRIVATE_HOSTS where the service runs.
revision-has-two-dots = A branch, tag or commit can't have two dots in a row. It is { $revision }.
give-hyperparameters-once = Give hyperparameters in `method` or beside it, not in both places.
no-integration = Integrations are not supported. Leave the field out, and read /metrics or the events.
