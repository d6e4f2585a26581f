-- id → 'ok' | 'ended' | 'missing'
local id = ARGV[1]
local status = field(id, 'status')
if not status then return 'missing' end
-- Its worker died while it published: the result may be there, and the next attempt only has to tell it.
local is_publishing = field(id, 'publishing') == '1'
if status == 'paused' then move(id, 'cancelled', 'info', say('job-cancelled')) end
if status == 'queued' and not is_publishing then move(id, 'cancelled', 'info', say('cancelled-before-start')) end
if (status == 'running' or status == 'queued' or status == 'pausing') and is_publishing then
  if redis.call('HSETNX', job_key(id), 'told_too_late', 1) == 1 then  -- once, however often it is asked
    append_event(id, 'warn', 'message', say('cancel-too-late'), '{}')
  end
  return 'ok'
end
if status == 'running' or status == 'pausing' then move(id, 'cancelling', 'info', say('cancel-requested')) end
if status == 'succeeded' or status == 'failed' then return 'ended' end
return 'ok'
