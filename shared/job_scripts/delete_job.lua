-- id → {'deleted', ''} | {'missing', ''} | {'open', status} | {'used', the job that uses its model}
-- Nothing here needs memory, so a store that is full can still be emptied.
local id = ARGV[1]
local status = field(id, 'status')
if not status then return {'missing', ''} end
if status ~= 'succeeded' and status ~= 'failed' and status ~= 'cancelled' then return {'open', status} end
local user = user_of_model(id)
if user then return {'used', user} end
redis.call('ZREM', index_key(field(id, 'kind'), status), id)
redis.call('LREM', ENDED, 1, id .. ' ' .. status)
redis.call('UNLINK', job_keys(id))
return {'deleted', ''}
