-- id, kind, request, owner, idempotency key or "", fingerprint, is retry, most queued, first events, priority,
-- ids of the jobs to wait for → verdict, id, and of a job that is created now its number
local id, kind, request, owner, idempotency, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local is_retry, most_queued = ARGV[7], tonumber(ARGV[8])
local RECENT_SECONDS, IDEMPOTENCY_SECONDS = 600, 7 * 86400
if redis.call('EXISTS', job_key(id)) == 1 then return {'created', id, number(id, 'number')} end

local idempotency_key = PREFIX .. 'idempotency:' .. owner .. ':' .. idempotency
local recent_key = PREFIX .. 'recent:' .. owner .. ':' .. fingerprint
if idempotency ~= '' then
  local known = redis.call('HMGET', idempotency_key, 'id', 'fingerprint')
  if known[1] then
    if not field(known[1], 'status') then return {'deleted', known[1]} end
    return {known[2] == fingerprint and 'repeat' or 'mismatch', known[1]}
  end
elseif is_retry == '1' then
  local first = redis.call('GET', recent_key)
  if first and field(first, 'status') then return {'repeat', first} end
end
if most_queued == 0 then return {'unknown', ''} end  -- asked only whether this is a repeat
local waits_for = {}
for other in words(ARGV[11]) do
  local status = field(other, 'status')
  if not status then return {'unknown_before', other} end
  if status == 'failed' or status == 'cancelled' then return {'failed_before', other} end
  if status ~= 'succeeded' then table.insert(waits_for, other) end
end
for made_by, model in pairs(models_named(request)) do
  if not field(made_by, 'status') or field(made_by, 'model_deleted_at') then return {'gone', model} end
end
if redis.call('ZCARD', QUEUED) + redis.call('ZCARD', WAITING) >= most_queued then return {'full', ''} end

local now, order = now_ms(), redis.call('INCR', PREFIX .. 'number')
redis.call('HSET', job_key(id), 'kind', kind, 'status', 'queued', 'request', request, 'number', order,
  'created_at', now, 'queued_at', now, 'attempt', 0, 'owner', owner, 'priority', ARGV[10])
redis.call('ZADD', index_key(kind, 'queued'), order, id)
redis.call('ZADD', #waits_for > 0 and WAITING or QUEUED, score_of(id), id)
append_event(id, 'info', 'message', say('job-accepted'), '{}')
if #waits_for > 0 then
  redis.call('HSET', job_key(id), 'waits_for', table.concat(waits_for, ' '))
  for _, other in ipairs(waits_for) do redis.call('SADD', followers_key(other), id) end
  append_event(id, 'info', 'message', say('job-waits', {jobs = waits_for}), '{}')
end
for _, event in ipairs(cjson.decode(ARGV[9] or '[]')) do  -- what its data set's reader told
  append_event(id, event.level, 'message', event.message, event.data)
end
if idempotency ~= '' then
  redis.call('HSET', idempotency_key, 'id', id, 'fingerprint', fingerprint)
  redis.call('EXPIRE', idempotency_key, IDEMPOTENCY_SECONDS)
end
redis.call('SET', recent_key, id, 'EX', RECENT_SECONDS)
return {'created', id, order}
