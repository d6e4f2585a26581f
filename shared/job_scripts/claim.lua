-- host, boot, nonce, lease ms → 'claimed' id | 'empty' | 'wait' ms. The same nonce gets the same answer again.
-- Nothing starts while the whole queue is paused; jobs that wait for others are not in the queue yet. Looks at the head of the queue only: those who must wait after a crash are few, and wait for minutes at most.
local host, boot, nonce, lease_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local PAGE, MOST_PAGES = 50, 20
local known = redis.call('HGET', NONCES, nonce)
if known then return {'claimed', known} end
if redis.call('EXISTS', HELD) == 1 then return {'empty', ''} end

-- Attempts before this one ended by a pause, or because their worker did.
local function beginning(id, attempt)
  if attempt == 1 then return say('job-started') end
  local pauses = number(id, 'pauses')
  local others = attempt - 1 - pauses
  if others == 0 then return say('job-started-after-pauses', {pauses = pauses}) end
  if pauses == 0 then return say('job-started-again', {attempt = attempt}) end
  return say('job-started-after-both', {pauses = pauses, interruptions = others})
end

local function begin(id, now)
  local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
  redis.call('HSET', job_key(id), 'host', host, 'boot', boot, 'nonce', nonce)
  redis.call('HDEL', job_key(id), 'publishing', 'handed_back', 'told_too_late')
  redis.call('HSET', NONCES, nonce, id)
  if redis.call('HSETNX', job_key(id), 'started_at', now) == 1 then
    observe('wait:' .. field(id, 'kind'), WAIT_BUCKETS, (now - tonumber(field(id, 'ready_at') or field(id, 'created_at'))) / 1000)
  end
  move(id, 'running', 'info', beginning(id, attempt))
  lease(id, lease_ms)
end

local now, soonest = now_ms(), nil
for page = 0, MOST_PAGES - 1 do
  local ids = redis.call('ZRANGE', QUEUED, page * PAGE, page * PAGE + PAGE - 1)
  for _, id in ipairs(ids) do
    local not_before = number(id, 'not_before')
    if not_before <= now then
      begin(id, now)
      return {'claimed', id}
    end
    if not soonest or not_before < soonest then soonest = not_before end
  end
  if #ids < PAGE then break end
end
if soonest then return {'wait', tostring(soonest - now)} end
return {'empty', ''}
