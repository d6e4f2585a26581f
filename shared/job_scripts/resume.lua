-- id → 'ok' | 'cancelling' | 'ended' | 'missing'. A job that waits or runs is left as it is.
local id = ARGV[1]
local status = field(id, 'status')
if not status then return 'missing' end
if status == 'cancelling' then return 'cancelling' end
if status == 'succeeded' or status == 'failed' or status == 'cancelled' then return 'ended' end
resume(id)
return 'ok'
