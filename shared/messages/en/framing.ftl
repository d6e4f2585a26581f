# Requests that can't be read: their first line, headers, query, and what their body is made of.

method-unreadable = { $method } is not an HTTP method. A method is 3 to 20 capital letters, such as GET.
version-not-spoken = { $version } is not supported. Use HTTP/1.1.
transfer-coding-unknown = The Transfer-Encoding { $coding } is not supported. Send the body chunked, or with its Content-Length.
header-name-unreadable = { $name } can't be the name of a header.
request-line-too-long = The first line of the request is too long. It may have at most 4094 bytes.
headers-too-many = The headers of the request are too long. There may be at most 100 headers, each of at most 8190 bytes.
request-unreadable = The request can't be read: { $reason }.
head-unforeseen = The headers of the request can't be read.

query-parameter-unnamed = A query parameter has a value and no name. Write it as name=value.
query-parameter-two-ways = The query parameter { $name } is given with a key and without one. Give it once.
body-nested-too-deeply = The body is nested too deeply. Lists and objects may be nested at most { $levels } levels deep.
idempotency-key-unusable = Idempotency-Key must be 1 to { $most } printable ASCII characters. This one has { $count } characters: { $key }
