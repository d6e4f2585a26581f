-- crash limit → ids whose lease ran out (the caller makes sure the store itself did not sleep)
local buried = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', RUNNING, '-inf', now_ms())) do
  bury_attempt(id, tonumber(ARGV[1]))
  table.insert(buried, id)
end
return buried
