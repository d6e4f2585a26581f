-- id, attempt, step → 'ok' | why not. A new durable checkpoint proves that the job can advance: crashes count anew.
local id, attempt, step = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lost = fenced(id, attempt)
if lost then return lost end
even_when_full()
if step > number(id, 'checkpoint_step') then
  redis.call('HSET', job_key(id), 'checkpoint_step', step, 'crashes', 0)
end
return 'ok'
