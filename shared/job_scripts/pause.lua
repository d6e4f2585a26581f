-- id → 'ok' | 'late' | 'cancelling' | 'ended' | 'missing'. A worker hears of it with its next beat.
local id = ARGV[1]
local status = field(id, 'status')
if not status then return 'missing' end
if status == 'cancelling' then return 'cancelling' end
if status == 'succeeded' or status == 'failed' or status == 'cancelled' then return 'ended' end
if status == 'pausing' or status == 'paused' then
  redis.call('HDEL', job_key(id), 'paused_with_all') -- the whole queue's resume leaves it paused now
  return 'ok'
end
if field(id, 'publishing') == '1' then return 'late' end
redis.call('HDEL', job_key(id), 'paused_with_all')
if status == 'queued' then
  local is_new = number(id, 'attempt') == 0
  move(id, 'paused', 'info', is_new and say('paused-before-start') or say('job-paused'))
end
if status == 'running' then move(id, 'pausing', 'info', say('pause-requested')) end
return 'ok'
