-- → id of a job, an open job that uses its model, and so on
local pairs_found = {}
for _, set in ipairs({QUEUED, WAITING, RUNNING, PAUSED}) do
  for _, user in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    for made_by in pairs(models_named(field(user, 'request') or '')) do
      table.insert(pairs_found, made_by)
      table.insert(pairs_found, user)
    end
  end
end
return pairs_found
