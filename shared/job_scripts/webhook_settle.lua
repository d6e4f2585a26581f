-- name, claim, how the try ended ('delivered', 'retried', 'given_up', 'gone'), until the next one (ms), status of the
-- answer or '', what went wrong or '', host → 'ok' | 'already' | 'fenced' (another has claimed it since)
local name, claim, ended, wait_ms, status, why, host = unpack(ARGV)
local key, now = delivery_key(name), now_ms()
local job, url, claims, settled = unpack(redis.call('HMGET', key, 'job', 'url', 'claims', 'settled'))
if claims ~= claim then return 'fenced' end
if settled == claim then return 'already' end
even_when_full()
local tries = redis.call('HINCRBY', key, 'tries', 1)
redis.call('HSET', key, 'settled', claim, 'tried_at', now, 'status', status, 'why', why)
redis.call('HINCRBY', COUNTERS, 'webhook:' .. (ended == 'gone' and 'given_up' or ended), 1)
if ended == 'retried' then
  redis.call('ZADD', HOOKS_DUE, now + tonumber(wait_ms), name)
  return 'ok'
end
redis.call('HSET', key, 'state', ended == 'delivered' and 'delivered' or 'failed')
redis.call('HDEL', key, 'forced')
redis.call('ZREM', HOOKS_DUE, name)
if ended == 'delivered' then
  redis.call('ZREM', HOOKS_OFF, url)
else
  redis.call('ZADD', HOOKS_FAILED, now, name)
end
if ended == 'gone' then
  redis.call('ZADD', HOOKS_OFF, now, url)
  redis.call('ZREMRANGEBYRANK', HOOKS_OFF, 0, -1001)
end
if not field(job, 'status') then  -- the job was deleted meanwhile
  drop_delivery(name)
elseif ended ~= 'delivered' then
  append_event(job, 'warn', 'message', say('webhook-given-up', {host = host, tries = tries}),
    cjson.encode({code = 'webhook_given_up', delivery = name}))
end
return 'ok'
