-- id, message, idempotency key or "", its fingerprint, then fields and values of a record → 'ok' | 'known'. Without a
-- number the job gets the next one; the caller sees to it that no other job has the number.
local id, message, idempotency, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local TOLD_AGAIN_MS = 3 * 86400000
if field(id, 'status') then return 'known' end
redis.call('UNLINK', job_keys(id))
for first = 5, #ARGV, 2 do redis.call('HSET', job_key(id), ARGV[first], ARGV[first + 1]) end
local counted = tonumber(redis.call('GET', PREFIX .. 'number') or '0') or 0
if not field(id, 'number') then redis.call('HSET', job_key(id), 'number', counted + 1) end
if number(id, 'number') > counted then redis.call('SET', PREFIX .. 'number', field(id, 'number')) end
line_up(id)
if idempotency ~= '' then
  local key = PREFIX .. 'idempotency:' .. field(id, 'owner') .. ':' .. idempotency
  redis.call('HSETNX', key, 'id', id)
  redis.call('HSETNX', key, 'fingerprint', fingerprint)
  redis.call('EXPIRE', key, 7 * 86400)
end
append_event(id, 'warn', 'message', message, '{}')
catch_up(id)
local status = field(id, 'status')
if status == 'succeeded' or status == 'failed' or status == 'cancelled' then
  redis.call('RPUSH', ENDED, id .. ' ' .. status)
  redis.call('LTRIM', ENDED, -ENDED_KEPT, -1)
  redis.call('HINCRBY', COUNTERS, 'ended:' .. field(id, 'kind') .. ':' .. status, 1)
  -- Nobody knows whether it was told: what is told twice has the same id. What ended long ago was.
  local ended_at = number(id, 'finished_at')
  if now_ms() - ended_at < TOLD_AGAIN_MS then note_deliveries(id, field(id, 'kind'), status, ended_at) end
  table.insert(unheard, {id = id, status = status})
  tell_followers()
end
return 'ok'
