-- id, attempt, status, result, error, message → 'ok' | 'already' | 'cancel' | 'pause' | why not
local id, attempt, status, result, failure, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local lost = fenced(id, attempt)
if lost == 'ended' and field(id, 'status') == status then return 'already' end
if lost then return lost end
local current = field(id, 'status')
local published = field(id, 'publishing') == '1'
if current == 'cancelling' and (status == 'failed' or status == 'succeeded' and not published) then return 'cancel' end
if current == 'paused' then return 'pause' end
if current == 'queued' then move(id, 'running', 'info', say('worker-back')) end
if result ~= '' then redis.call('HSET', job_key(id), 'result', result) end
if failure ~= '' then redis.call('HSET', job_key(id), 'error', failure) end
move(id, status, status == 'failed' and 'error' or 'info', message)
return 'ok'
