-- host, boot, nonce, lease ms → 'claimed' id | 'empty' | 'wait' ms. The same nonce gets the same answer again.
local host, boot, nonce, lease_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
  if field(id, 'nonce') == nonce then return {'claimed', id} end
end
local now, soonest = now_ms(), nil
for _, id in ipairs(redis.call('ZRANGE', QUEUED, 0, -1)) do
  local not_before = number(id, 'not_before')
  if not_before <= now then
    local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
    redis.call('HSET', job_key(id), 'host', host, 'boot', boot, 'nonce', nonce)
    redis.call('HDEL', job_key(id), 'publishing', 'handed_back')
    if redis.call('HSETNX', job_key(id), 'started_at', now) == 1 then
      observe('wait:' .. field(id, 'kind'), WAIT_BUCKETS, (now - number(id, 'created_at')) / 1000)
    end
    move(id, 'running', 'info', attempt == 1 and 'Started' or 'Started again, attempt ' .. attempt)
    lease(id, lease_ms)
    return {'claimed', id}
  end
  if not soonest or not_before < soonest then soonest = not_before end
end
if soonest then return {'wait', tostring(soonest - now)} end
return {'empty', ''}
