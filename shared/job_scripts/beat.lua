-- id, attempt, lease ms, progress or '' → 'ok' | 'cancel' | 'pause' | 'fenced' | 'ended' | 'missing'
local id, attempt, lease_ms, progress = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local lost = fenced(id, attempt)
if lost then return lost end
if field(id, 'status') == 'paused' then return 'pause' end  -- it was taken for dead, and paused since
even_when_full()
if field(id, 'status') == 'queued' then
  -- Taken for dead while the store or this worker slept, and nobody claimed it since: it was no crash.
  for _, count in ipairs({'crashes', 'deaths'}) do
    redis.call('HSET', job_key(id), count, math.max(0, number(id, count) - 1))  -- a checkpoint may have cleared it
  end
  move(id, 'running', 'info', say('worker-back'))
end
lease(id, lease_ms)
if progress ~= '' then redis.call('HSET', job_key(id), 'progress', progress) end
local orders = {cancelling = 'cancel', pausing = 'pause'}
return orders[field(id, 'status')] or 'ok'
