-- id, attempt, source, then per event: the worker's own number, level, type, message, data → 'ok' | why not
-- `source` is the attempt that numbered the events 1, 2, 3 …: this one, or a dead one whose journal is replayed.
-- A number seen before is skipped, so a repeat is harmless.
local id, attempt, seen_field = ARGV[1], ARGV[2], 'events_of:' .. ARGV[3]
local lost = fenced(id, attempt)
if lost then return lost end
local seen = number(id, seen_field)
for first = 4, #ARGV, 5 do
  local own_number = tonumber(ARGV[first])
  if own_number > seen then
    append_event(id, ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4])
    seen = own_number
  end
end
redis.call('HSET', job_key(id), seen_field, seen)
return 'ok'
