-- id, status and attempt as they were seen, how it ended, attempt, when (ms) or '', result, error, message → 'ok' |
-- 'changed'. What the disk proves, or makes impossible, ends a record that is still open; no transition leads there.
local id, seen_status, seen_attempt, to, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local finished_at, result, failure, message = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
if field(id, 'status') ~= seen_status or field(id, 'attempt') ~= seen_attempt then return 'changed' end
if number(id, 'attempt') < attempt then redis.call('HSET', job_key(id), 'attempt', attempt) end
if result ~= '' then redis.call('HSET', job_key(id), 'result', result) end
if failure ~= '' then redis.call('HSET', job_key(id), 'error', failure) end
set_status(id, to, 'warn', message)
if finished_at ~= '' then redis.call('HSET', job_key(id), 'finished_at', finished_at) end
return 'ok'
