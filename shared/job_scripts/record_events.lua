-- id, attempt, then per event: the worker's own number, level, type, message, data → 'ok' | why not
-- The worker numbers its events 1, 2, 3 … in each attempt; a number seen before is skipped, so a repeat is harmless.
local id, attempt = ARGV[1], ARGV[2]
local lost = fenced(id, attempt)
if lost then return lost end
local seen = number(id, 'worker_event')
for first = 3, #ARGV, 5 do
  local own_number = tonumber(ARGV[first])
  if own_number > seen then
    append_event(id, ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4])
    seen = own_number
  end
end
redis.call('HSET', job_key(id), 'worker_event', seen)
return 'ok'
