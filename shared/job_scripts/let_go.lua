-- → ids of the jobs that go on. Jobs start again; those that were paused on their own stay so.
local resumed = {}
redis.call('DEL', HELD)
for _, set in ipairs({PAUSED, RUNNING}) do
  for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    if field(id, 'paused_with_all') then
      resume(id)
      table.insert(resumed, id)
    end
  end
end
return resumed
