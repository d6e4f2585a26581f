-- id, attempt → 'ok' | 'cancel' | why not. A draining worker hands the job back; that is no crash.
local id, attempt = ARGV[1], ARGV[2]
local lost = fenced(id, attempt)
if lost then return lost end
local status = field(id, 'status')
if status == 'cancelling' then return 'cancel' end
if status == 'running' then move(id, 'queued', 'info', 'Handed back by a worker that shuts down') end
return 'ok'
