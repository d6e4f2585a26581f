-- id, attempt → 'ok' | 'cancel' | why not. A worker that drains, or was told to pause,
-- hands the job back; that is no crash.
local id, attempt = ARGV[1], ARGV[2]
if field(id, 'handed_back') and field(id, 'attempt') == attempt then return 'ok' end
local lost = fenced(id, attempt)
if lost then return lost end
local status = field(id, 'status')
if status == 'cancelling' then return 'cancel' end
redis.call('HSET', job_key(id), 'handed_back', 1)
if status == 'running' then move(id, 'queued', 'info', say('job-handed-back')) end
if status == 'pausing' then move(id, 'paused', 'info', say('job-paused')) end
return 'ok'
