-- '1' to mend or '', the highest number of a job, kind, status, kind, status … (of ends) → names of wrong counts
local mends, highest, wrong = ARGV[1] == '1', tonumber(ARGV[2]), {}
local counted = tonumber(redis.call('GET', PREFIX .. 'number') or '0')
if not counted or counted < highest then
  table.insert(wrong, 'number')
  if mends then redis.call('SET', PREFIX .. 'number', string.format('%.0f', highest)) end
end
local counts = redis.call('HGETALL', COUNTERS)
for first = 1, #counts, 2 do
  if not tonumber(counts[first + 1]) then
    table.insert(wrong, counts[first])
    if mends then redis.call('HDEL', COUNTERS, counts[first]) end
  end
end
for first = 3, #ARGV, 2 do
  local name = 'ended:' .. ARGV[first] .. ':' .. ARGV[first + 1]
  local there = redis.call('ZCARD', index_key(ARGV[first], ARGV[first + 1]))
  local told = tonumber(redis.call('HGET', COUNTERS, name) or '0')
  if told and told < there then  -- it may be higher: jobs are deleted, what happened stays counted
    table.insert(wrong, name)
    if mends then redis.call('HSET', COUNTERS, name, there) end
  end
end
return wrong
