-- host, boot, crash limit, '1' where the disk is full → ids. The device is ours now, so what an earlier
-- process of this host held died with it.
local host, boot = ARGV[1], ARGV[2]
local buried = {}
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
  if field(id, 'host') == host and field(id, 'boot') ~= boot then
    bury_attempt(id, tonumber(ARGV[3]), ARGV[4] == '1')
    table.insert(buried, id)
  end
end
return buried
