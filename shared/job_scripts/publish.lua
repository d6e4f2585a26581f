-- id, attempt → 'ok' | 'cancel' | 'pause' | why not. The point of no return: from here on a cancel, or a pause,
-- comes too late.
local id, attempt = ARGV[1], ARGV[2]
local lost = fenced(id, attempt)
if lost then return lost end
if field(id, 'publishing') == '1' then return 'ok' end
if field(id, 'status') == 'cancelling' then return 'cancel' end
if field(id, 'status') == 'paused' then return 'pause' end
even_when_full()
redis.call('HSET', job_key(id), 'publishing', 1)
return 'ok'
