-- id → {'deleted', ''} | {'missing', ''} | {'none', status} | {'used', the job that uses it}
-- The record stays and says since when its model is gone; a repeat changes nothing.
local id = ARGV[1]
local status = field(id, 'status')
if not status then return {'missing', ''} end
if status ~= 'succeeded' or field(id, 'kind') ~= 'fine_tuning' then return {'none', status} end
if field(id, 'model_deleted_at') then return {'deleted', ''} end
local user = user_of_model(id)
if user then return {'used', user} end
redis.call('HSET', job_key(id), 'model_deleted_at', now_ms())
append_event(id, 'info', 'message', say('model-deleted'), '{}')
return {'deleted', ''}
