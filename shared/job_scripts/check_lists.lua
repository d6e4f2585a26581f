-- '1' to mend or '', for how long a lost lease is renewed (ms), how many pairs, kind, status …, then ids → the ids of
-- jobs that are in a list of another status, or missing in one of their own, or that wait for jobs that have ended
local mends, lease_ms, pair_count = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local wrong, ended = {}, {}
for _, entry in ipairs(redis.call('LRANGE', ENDED, 0, -1)) do ended[string.match(entry, '^(%S+)') or ''] = entry end

local function in_wrong_lists(id, status)
  local found = {}
  for first = 4, 3 + 2 * pair_count, 2 do
    local kind, other = ARGV[first], ARGV[first + 1]
    local score = redis.call('ZSCORE', index_key(kind, other), id)
    local is_own = kind == field(id, 'kind') and other == status
    if score and not is_own or is_own and tonumber(score or '-1') ~= number(id, 'number') then
      table.insert(found, index_key(kind, other))
    end
  end
  for _, set in ipairs(UNCLAIMED) do
    if (redis.call('ZSCORE', set, id) ~= false) ~= (set == set_of(id, status)) then table.insert(found, set) end
  end
  return found
end

for index = 4 + 2 * pair_count, #ARGV do
  local id = ARGV[index]
  local status = field(id, 'status')
  if status then
    local lists = in_wrong_lists(id, status)
    local is_claimed = status == 'running' or status == 'pausing' or status == 'cancelling'
    local has_lease = redis.call('ZSCORE', RUNNING, id) ~= false
    local is_open = is_claimed or set_of(id, status) ~= nil
    local is_stuck = (status == 'queued' or status == 'paused') and waits_in_vain(id)
    if #lists > 0 or has_lease ~= is_claimed or is_open and ended[id] or is_stuck then
      table.insert(wrong, id)
      if mends then
        for _, list in ipairs(lists) do redis.call('ZREM', list, id) end
        line_up(id)
        if is_claimed and not has_lease then lease(id, lease_ms) end  -- its worker renews it, or it is taken back
        if not is_claimed then redis.call('ZREM', RUNNING, id) end
        if is_open and ended[id] then redis.call('LREM', ENDED, 0, ended[id]) end
        if is_stuck then catch_up(id) end
      end
    end
  end
end
return wrong
