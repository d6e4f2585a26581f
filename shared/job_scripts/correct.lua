-- id, status and attempt as they were seen, then fields and values; a field without a value goes → 'ok' | 'changed'
local id, seen_status, seen_attempt = ARGV[1], ARGV[2], ARGV[3]
if field(id, 'status') ~= seen_status or field(id, 'attempt') ~= seen_attempt then return 'changed' end
for first = 4, #ARGV, 2 do
  if ARGV[first + 1] == '' then
    redis.call('HDEL', job_key(id), ARGV[first])
  else
    redis.call('HSET', job_key(id), ARGV[first], ARGV[first + 1])
  end
end
return 'ok'
