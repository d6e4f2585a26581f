-- addresses of the settings (JSON list), for how long they are claimed (ms), how many at most, then addresses that
-- are being told → for each claimed delivery its name, claim, job, type, when (ms), address, tries so far
-- Of one address one at a time, oldest first: one that is silent holds up nobody else.
local addresses, lease_ms, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if (redis.call('GET', HOOKS) or '[]') ~= addresses then redis.call('SET', HOOKS, addresses) end
local found, busy, count, now = {}, {}, 0, now_ms()
for index = 4, #ARGV do busy[ARGV[index]] = true end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', HOOKS_DUE, '-inf', now, 'LIMIT', 0, 2000)) do
  local key = delivery_key(name)
  local url, forced, job = unpack(redis.call('HMGET', key, 'url', 'forced', 'job'))
  local is_off = url and not forced and redis.call('ZSCORE', HOOKS_OFF, url)
  if not url or is_off and not field(job, 'status') then
    drop_delivery(name)
  elseif is_off then
    even_when_full()
    redis.call('HSET', key, 'state', 'off')
    redis.call('ZREM', HOOKS_DUE, name)
    redis.call('ZADD', HOOKS_FAILED, now, name)
  elseif count < most and not busy[url] then
    even_when_full()
    busy[url], count = true, count + 1
    redis.call('ZADD', HOOKS_DUE, now + lease_ms, name)
    table.insert(found, name)
    table.insert(found, redis.call('HINCRBY', key, 'claims', 1))
    for _, value in ipairs(redis.call('HMGET', key, 'job', 'type', 'created_at', 'url', 'tries')) do
      table.insert(found, value)
    end
  end
end
return found
