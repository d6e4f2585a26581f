-- id, status and attempt as they were seen, the attempt that the next one must come after, '1' to drop its lease or ''
-- → 'ok' | 'changed'. A later attempt than any that wrote to the disk: what an earlier one still does is refused.
local id, seen_status, seen_attempt, least, drops = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
if field(id, 'status') ~= seen_status or field(id, 'attempt') ~= seen_attempt then return 'changed' end
if number(id, 'attempt') < least then redis.call('HSET', job_key(id), 'attempt', least) end
if drops then
  local next_status = {running = 'queued', pausing = 'paused', cancelling = 'cancelled'}
  local to = next_status[seen_status]
  redis.call('HDEL', job_key(id), 'not_before')
  if to then move(id, to, 'warn', to == 'cancelled' and say('job-cancelled') or say('put-back-by-repair')) end
end
return 'ok'
