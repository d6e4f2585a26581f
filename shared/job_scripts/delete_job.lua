-- id → {'deleted', ''} | {'missing', ''} | {'open', status} | {'used', the job that uses its model}
-- Its first write needs no memory, so a store that is full can still be emptied. Where the job stood is known for an
-- hour more: who deletes page by page asks for those after one that is gone.
local id = ARGV[1]
local status = field(id, 'status')
if not status then return {'missing', ''} end
if status ~= 'succeeded' and status ~= 'failed' and status ~= 'cancelled' then return {'open', status} end
local user = field(id, 'kind') == 'fine_tuning' and user_of_model(id)
if user then return {'used', user} end
local order = field(id, 'number')
redis.call('ZREM', index_key(field(id, 'kind'), status), id)
redis.call('LREM', ENDED, 1, id .. ' ' .. status)
drop_made_deliveries(id)
redis.call('UNLINK', job_keys(id))
redis.call('SET', gone_key(id), order, 'EX', 3600)
return {'deleted', ''}
