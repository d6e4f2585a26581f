-- id, attempt, source, then per event: the worker's own number, when (ms), level, type, message, data, '1' if the
-- source's journal has it or '' → 'ok' | why not
-- `source` is the attempt that numbered the events 1, 2, 3 …: this one, or a dead one whose journal is replayed.
-- A number seen before is skipped, so a repeat is harmless.
local id, attempt, source = ARGV[1], ARGV[2], ARGV[3]
local lost = fenced(id, attempt)
if lost then return lost end
local seen_field = 'events_of:' .. source
local seen, runs = number(id, seen_field), field(id, 'journal_runs') or ''

-- Which ids the events of a journal got: runs of "<attempt>-<count>:<source>:<own number>:<length>", here with one
-- event more; nil when there are too many runs, as when a disk is full again and again: then the store keeps the event.
local function runs_with(count, own)
  local before, first, first_own, length = string.match(runs,
    '^(.-)' .. attempt .. '%-(%d+):' .. source .. ':(%d+):(%d+)$')
  if before and (before == '' or string.sub(before, -1) == ' ')
    and first + length == count and first_own + length == own then
    return before .. attempt .. '-' .. first .. ':' .. source .. ':' .. first_own .. ':' .. (length + 1)
  end
  if #runs > RUNS_BYTES then return nil end
  return runs .. (runs == '' and '' or ' ') .. attempt .. '-' .. count .. ':' .. source .. ':' .. own .. ':1'
end

for first = 4, #ARGV, 7 do
  local own, at, is_in_journal = tonumber(ARGV[first]), tonumber(ARGV[first + 1]), ARGV[first + 6] == '1'
  if own > seen then
    local longer = is_in_journal and runs_with(number(id, 'event_count') + 1, own)
    append_event(id, ARGV[first + 2], ARGV[first + 3], ARGV[first + 4], ARGV[first + 5], at > 0 and at or nil, longer)
    runs, seen = longer or runs, own
  end
end
redis.call('HSET', job_key(id), seen_field, seen)
if runs ~= '' then redis.call('HSET', job_key(id), 'journal_runs', runs) end
return 'ok'
