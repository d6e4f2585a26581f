-- id, kind, status, kind, status … → 'ok'. Removes all that the store has of a job whose record can't be used.
local id = ARGV[1]
redis.call('ZREM', RUNNING, id)
for _, set in ipairs(UNCLAIMED) do redis.call('ZREM', set, id) end
for first = 2, #ARGV, 2 do redis.call('ZREM', index_key(ARGV[first], ARGV[first + 1]), id) end
local nonces = redis.call('HGETALL', NONCES)
for first = 1, #nonces, 2 do
  if nonces[first + 1] == id then redis.call('HDEL', NONCES, nonces[first]) end
end
for _, entry in ipairs(redis.call('LRANGE', ENDED, 0, -1)) do
  if entry == id or string.sub(entry, 1, #id + 1) == id .. ' ' then redis.call('LREM', ENDED, 0, entry) end
end
drop_made_deliveries(id)
redis.call('UNLINK', job_keys(id))
return 'ok'
