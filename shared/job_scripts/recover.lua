-- host, boot, crash limit → ids. The device is ours now, so what an earlier process of this host held
-- died with it.
local host, boot = ARGV[1], ARGV[2]
local buried = {}
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
  if field(id, 'host') == host and field(id, 'boot') ~= boot then
    bury_attempt(id, tonumber(ARGV[3]))
    table.insert(buried, id)
  end
end
return buried
