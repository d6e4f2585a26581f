-- name → 'ok' | 'missing'. It is tried at once, and as often as one that is new, though its address wanted no more.
local name = ARGV[1]
local key = delivery_key(name)
if redis.call('EXISTS', key) == 0 then return 'missing' end
redis.call('HINCRBY', key, 'claims', 1)  -- what a try that is still under way comes to counts no more
redis.call('HSET', key, 'state', 'pending', 'tries', 0, 'forced', 1)
redis.call('ZADD', HOOKS_DUE, now_ms(), name)
redis.call('ZREM', HOOKS_FAILED, name)
return 'ok'
