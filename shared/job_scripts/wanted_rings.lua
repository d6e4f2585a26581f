-- how long a worker counts as alive (ms) → how many idle workers a job waits for that may start now
if redis.call('EXISTS', HELD) == 1 then return 0 end
local now, idle, startable, busy = now_ms(), 0, 0, {}
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do busy[field(id, 'host') or ''] = true end
for _, host in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, now - tonumber(ARGV[1]), '+inf')) do
  local problem = redis.call('HGET', worker_key(host), 'problem')
  if not busy[host] and (not problem or problem == '') then idle = idle + 1 end
end
for _, id in ipairs(redis.call('ZRANGE', QUEUED, 0, 99)) do
  if number(id, 'not_before') <= now then startable = startable + 1 end
end
return math.min(idle, startable)
