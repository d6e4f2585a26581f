-- kind, status, kind, status … → every id that a list of jobs names and that has no record
local seen, unknown = {}, {}
local function look(id)
  if not seen[id] then
    seen[id] = true
    if not field(id, 'status') then table.insert(unknown, id) end
  end
end
local sets = {RUNNING}
for _, set in ipairs(UNCLAIMED) do table.insert(sets, set) end
for first = 1, #ARGV, 2 do table.insert(sets, index_key(ARGV[first], ARGV[first + 1])) end
for _, set in ipairs(sets) do
  for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do look(id) end
end
for _, id in ipairs(redis.call('HVALS', NONCES)) do look(id) end
for _, entry in ipairs(redis.call('LRANGE', ENDED, 0, -1)) do look(string.match(entry, '^(%S+)') or entry) end
return unknown
