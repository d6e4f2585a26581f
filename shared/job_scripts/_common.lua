-- What every script of the job store shares. One node, no cluster: keys are computed from the job's id.
-- The line below is replaced by the transition table of shared/jobs.py.
--TRANSITIONS--
local PREFIX = 'tunedock:'
local QUEUED = PREFIX .. 'queued'      -- zset: jobs that may start, in their order: job id by `score_of`
local WAITING = PREFIX .. 'waiting'    -- zset, as QUEUED: queued jobs that wait for other jobs to succeed
local PAUSED = PREFIX .. 'paused'      -- zset, as QUEUED
local UNCLAIMED = {QUEUED, WAITING, PAUSED}  -- the sets of the jobs that no worker has
local HELD = PREFIX .. 'held'          -- is there while no job may start: the whole queue is paused
local RUNNING = PREFIX .. 'running'    -- zset: job id by the end of its lease, ms
local ENDED = PREFIX .. 'ended'        -- list: exactly one "<id> <status>" per ended job, the newest of them
local COUNTERS = PREFIX .. 'counters'  -- hash: what /metrics shows, counted where the change happens
local NONCES = PREFIX .. 'nonces'      -- hash: nonce of a claim → the job it got, while that runs
local WORKERS = PREFIX .. 'workers'    -- zset: a worker's host by when it last spoke, ms
local HOOKS = PREFIX .. 'webhooks'      -- JSON list: the addresses that are told of every job's end
local HOOKS_DUE = PREFIX .. 'webhooks:due'  -- zset: deliveries to be made, by when the next try may be, ms
local HOOKS_ALL = PREFIX .. 'webhooks:all'  -- zset: every delivery, by when its job ended, ms
local HOOKS_FAILED = PREFIX .. 'webhooks:failed'  -- zset: deliveries given up or off, by when, ms
local HOOKS_OFF = PREFIX .. 'webhooks:off'  -- zset: addresses that want no more (410), by when they said so, ms
local LIVE = PREFIX .. 'live'          -- stream: the newest events of all jobs, for those who listen
local LIVE_KEPT = 5000
local EVENTS_KEPT = 5000               -- of a job: messages, and steps that no journal on disk took
local TAIL_KEPT = 100                  -- of a running job: its newest steps; the attempts' journals have them all
local RUNS_BYTES = 4000                -- of a job: where in the journals they are
local ENDED_KEPT = 1000
local FORGOTTEN_AT_THE_END = {'paused_with_all', 'nonce', 'boot', 'publishing', 'told_too_late', 'not_before',
  'crashes', 'deaths', 'checkpoint_step', 'place', 'waits_for', 'ready_at'}
local PRIORITY_STEP = 2 ^ 40  -- between the scores of two priorities: more than there are ever jobs
local WAIT_BUCKETS = {0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400}
local DURATION_BUCKETS = {5, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400}

-- The store looks at its memory at a script's first write only: after one that takes none, the rest is let through.
-- For what must be said though the store is full, and hardly grows: that a worker lives, and a user's cancel.
local function even_when_full() redis.call('DEL', PREFIX .. 'none') end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- What belongs to one job alone: its hash and its streams (`job_keys`), and its members of the sets and hashes
-- above, of index_key(kind, status), and of the keys of requests, which carry its id and go with time.
local function job_key(id) return PREFIX .. 'job:' .. id end
local function events_key(id) return PREFIX .. 'events:' .. id end  -- stream: messages, and steps no journal took
local function tail_key(id) return PREFIX .. 'tail:' .. id end      -- stream: the newest steps, while it runs
local function job_keys(id) return job_key(id), events_key(id), tail_key(id) end
local function worker_key(host) return PREFIX .. 'worker:' .. host end
local function followers_key(id) return PREFIX .. 'followers:' .. id end  -- set: jobs that wait for it, until it ends
local function delivery_key(name) return PREFIX .. 'webhook:' .. name end  -- hash: `name` is "<job id>.<1, 2 …>"
local function gone_key(id) return PREFIX .. 'gone:' .. id end      -- the number of a deleted job, for an hour
local function index_key(kind, status) return PREFIX .. 'index:' .. kind .. ':' .. status end
local function field(id, name) return redis.call('HGET', job_key(id), name) end
local function number(id, name) return tonumber(field(id, name) or '0') end

local function words(text) return string.gmatch(text or '', '%S+') end

-- Where a queued job stands: a higher priority goes first, within one the lower place, which is the job's number
-- until somebody moves it.
local function score_of(id)
  local place = tonumber(field(id, 'place') or field(id, 'number'))
  return string.format('%.0f', place - number(id, 'priority') * PRIORITY_STEP)
end

local function observe(name, buckets, seconds)
  for _, bucket in ipairs(buckets) do
    if seconds <= bucket then
      redis.call('HINCRBY', COUNTERS, name .. ':' .. bucket, 1)
      break
    end
  end
  redis.call('HINCRBY', COUNTERS, name .. ':count', 1)
  redis.call('HINCRBYFLOAT', COUNTERS, name .. ':sum', seconds)
end

-- A message of shared/messages as `message.py` stores it; it becomes a sentence where somebody reads it.
local function say(message_id, values)
  return cjson.encode({message_id = message_id, values = values})
end

-- The store allots every event's id, <attempt>-<count>, so several writers can't collide and ids only rise. The
-- count goes on over all attempts without a gap. Steps that a journal has are kept in a short tail. Who listens learns
-- of every event in the same change, with the job's status after it.
local function append_event(id, level, kind, message, data, at, is_in_journal)
  local attempt = field(id, 'attempt')
  local count = redis.call('HINCRBY', job_key(id), 'event_count', 1)
  local is_step = is_in_journal and kind == 'metrics'
  local fields = {'at', at or now_ms(), 'level', level, 'type', kind, 'message', message, 'data', data}
  redis.call('XADD', is_step and tail_key(id) or events_key(id), 'MAXLEN', '~', is_step and TAIL_KEPT or EVENTS_KEPT,
    attempt .. '-' .. count, unpack(fields))
  redis.call('XADD', LIVE, 'MAXLEN', '~', LIVE_KEPT, '*', 'job', id, 'id', attempt .. '-' .. count,
    'status', field(id, 'status'), unpack(fields))
end

-- The addresses that are told of a job's end: those of all jobs, and its own.
local function hooks_of(id)
  local urls, known = {}, {}
  local function add(url)
    if type(url) == 'string' and not known[url] then
      known[url] = true
      table.insert(urls, url)
    end
  end
  local whole, of_all = pcall(cjson.decode, redis.call('GET', HOOKS) or '[]')
  for _, url in ipairs(whole and of_all or {}) do add(url) end
  local request = field(id, 'request') or ''
  if string.find(request, '"webhook":%s*"') then
    local is_json, asked = pcall(cjson.decode, request)
    if is_json and type(asked) == 'table' then add(asked.webhook) end
  end
  return urls
end

-- A delivery for each address, in the change that ends the job: what was ended is told, whatever stops meanwhile.
-- One that is there already, of a record that was lost and made again, is not made twice.
local function note_deliveries(id, kind, status, ended_at)
  for index, url in ipairs(hooks_of(id)) do
    local name = id .. '.' .. index
    if redis.call('EXISTS', delivery_key(name)) == 0 then
      redis.call('HSET', delivery_key(name), 'job', id, 'url', url, 'type', kind .. '.job.' .. status,
        'created_at', ended_at, 'state', 'pending', 'tries', 0, 'claims', 0)
      redis.call('ZADD', HOOKS_DUE, now_ms(), name)
      redis.call('ZADD', HOOKS_ALL, ended_at, name)
    end
  end
end

local function drop_delivery(name)
  redis.call('ZREM', HOOKS_DUE, name)
  redis.call('ZREM', HOOKS_ALL, name)
  redis.call('ZREM', HOOKS_FAILED, name)
  redis.call('UNLINK', delivery_key(name))
end

-- Of a job that goes, the deliveries go, too; those that are still to be made, once they are.
local function drop_made_deliveries(id)
  local index = 1
  while redis.call('EXISTS', delivery_key(id .. '.' .. index)) == 1 do
    local name = id .. '.' .. index
    if not redis.call('ZSCORE', HOOKS_DUE, name) then drop_delivery(name) end
    index = index + 1
  end
end

local unheard = {}  -- jobs that ended in this script, with their status; those that wait for them don't know yet

local function end_job(id, kind, status, now)
  redis.call('ZREM', RUNNING, id)
  redis.call('HSET', job_key(id), 'finished_at', now)
  for other in words(field(id, 'waits_for')) do redis.call('SREM', followers_key(other), id) end
  table.insert(unheard, {id = id, status = status})
  if field(id, 'nonce') then redis.call('HDEL', NONCES, field(id, 'nonce')) end
  redis.call('HDEL', job_key(id), unpack(FORGOTTEN_AT_THE_END))
  for attempt = 1, number(id, 'attempt') do redis.call('HDEL', job_key(id), 'events_of:' .. attempt) end
  redis.call('UNLINK', tail_key(id))
  redis.call('RPUSH', ENDED, id .. ' ' .. status)
  redis.call('LTRIM', ENDED, -ENDED_KEPT, -1)
  redis.call('HINCRBY', COUNTERS, 'ended:' .. kind .. ':' .. status, 1)
  note_deliveries(id, kind, status, now)
  local started = number(id, 'started_at')
  if started > 0 then
    observe('duration:' .. kind .. ':' .. status, DURATION_BUCKETS, (now - started) / 1000)
  end
end

-- The set that holds a job which no worker has, or nil.
local function set_of(id, status)
  if status == 'queued' then return field(id, 'waits_for') and WAITING or QUEUED end
  if status == 'paused' then return PAUSED end
  return nil
end

-- Puts a job into the sets of its status, and out of those that hold others. RUNNING takes it in by its lease alone.
local function line_up(id)
  local status = field(id, 'status')
  redis.call('ZADD', index_key(field(id, 'kind'), status), field(id, 'number'), id)
  for _, set in ipairs(UNCLAIMED) do redis.call('ZREM', set, id) end
  local set = set_of(id, status)
  if set then
    redis.call('ZREM', RUNNING, id)
    redis.call('ZADD', set, score_of(id), id)  -- its old place: it goes on where it stood
  end
end

local tell_followers

-- The only place where a status changes; indexes, counters, the event and the jobs that wait for this one hang on it.
-- Only a repair calls it itself.
local function set_status(id, to, level, message, data)
  local from, kind, now = field(id, 'status'), field(id, 'kind'), now_ms()
  redis.call('ZREM', index_key(kind, from), id)
  redis.call('HSET', job_key(id), 'status', to)
  line_up(id)
  if (to == 'queued' or to == 'paused') and field(id, 'nonce') then redis.call('HDEL', NONCES, field(id, 'nonce')) end
  if to == 'queued' then redis.call('HSET', job_key(id), 'queued_at', now) end
  if from == 'pausing' and to == 'paused' then redis.call('HINCRBY', job_key(id), 'pauses', 1) end  -- an attempt ended
  append_event(id, level, 'message', message, data or '{}')
  if to == 'succeeded' or to == 'failed' or to == 'cancelled' then
    end_job(id, kind, to, now)
    tell_followers()
  end
end

local function move(id, to, level, message, data)
  local from = field(id, 'status')
  if not TRANSITIONS[from .. '>' .. to] then
    error('TRANSITION ' .. from .. ' > ' .. to .. ' of ' .. id)
  end
  set_status(id, to, level, message, data)
end

local function stop_waiting_for(id, other)
  local left = {}
  for one in words(field(id, 'waits_for')) do
    if one ~= other then table.insert(left, one) end
  end
  if #left > 0 then
    redis.call('HSET', job_key(id), 'waits_for', table.concat(left, ' '))
    return
  end
  local now = now_ms()
  redis.call('HDEL', job_key(id), 'waits_for')
  redis.call('HSET', job_key(id), 'ready_at', now)
  if redis.call('ZREM', WAITING, id) == 1 then  -- else it is paused
    redis.call('ZADD', QUEUED, score_of(id), id)
    redis.call('HSET', job_key(id), 'queued_at', now)
  end
  append_event(id, 'info', 'message', say('jobs-before-succeeded'), '{}')
end

-- A job that was to run after one that did not succeed ends with it.
local function end_with(id, other, status)
  if field(id, 'status') ~= 'queued' and field(id, 'status') ~= 'paused' then return end
  local why = say('job-before-did-not-succeed', {job = other, status = status})
  redis.call('HSET', job_key(id), 'error',
    cjson.encode({code = 'dependency_failed', message = why, remedy = say('submit-after-another')}))
  move(id, 'cancelled', 'error', why)
end

-- Those that wait for a job that ended may start, or end with it, and so on along a chain of any length: a loop,
-- since a chain as long as the queue is too deep for calls.
local is_telling = false
tell_followers = function()
  if is_telling then return end
  is_telling = true
  while #unheard > 0 do
    local ended = table.remove(unheard, 1)
    local followers = redis.call('SMEMBERS', followers_key(ended.id))
    table.sort(followers, function(one, other) return number(one, 'number') < number(other, 'number') end)
    redis.call('DEL', followers_key(ended.id))
    for _, id in ipairs(followers) do
      if ended.status == 'succeeded' then
        stop_waiting_for(id, ended.id)
      else
        end_with(id, ended.id, ended.status)
      end
    end
  end
  is_telling = false
end

-- Whether a job waits for one that will not tell it any more: its record is lost, or of another moment than theirs.
local function waits_in_vain(id)
  for other in words(field(id, 'waits_for')) do
    local status = field(other, 'status')
    if not status or status == 'succeeded' or status == 'failed' or status == 'cancelled' then return true end
    if redis.call('SISMEMBER', followers_key(other), id) == 0 then return true end
  end
  return false
end

-- Holds what a job waits for against how those jobs stand. One that is gone has succeeded: its end would have ended
-- this one.
local function catch_up(id)
  for other in words(field(id, 'waits_for')) do
    local status = field(other, 'status') or 'succeeded'
    if status == 'succeeded' then
      stop_waiting_for(id, other)
    elseif status == 'failed' or status == 'cancelled' then
      end_with(id, other, status)
    else
      redis.call('SADD', followers_key(other), id)
    end
  end
end

-- A job whose worker has not obeyed yet goes on at once, or from its checkpoint if it obeys first.
local function resume(id)
  redis.call('HDEL', job_key(id), 'paused_with_all', 'not_before')
  if field(id, 'status') == 'paused' then move(id, 'queued', 'info', say('job-resumed')) end
  if field(id, 'status') == 'pausing' then move(id, 'running', 'info', say('pause-withdrawn')) end
end

-- nil while `attempt` owns the job, else why it does not: a later attempt began, it was handed back, or it ended.
local function fenced(id, attempt)
  local status = field(id, 'status')
  if not status then return 'missing' end
  if field(id, 'attempt') ~= attempt or field(id, 'handed_back') then return 'fenced' end
  if status == 'succeeded' or status == 'failed' or status == 'cancelled' then return 'ended' end
  return nil
end

local function lease(id, milliseconds)
  redis.call('ZADD', RUNNING, now_ms() + milliseconds, id)
end

-- A worker died with this job: another attempt after a pause, or the end when it keeps killing workers. Crashes
-- count from the last new checkpoint on, so a job that advances goes on for ever; deaths, all of them, are only told.
-- One on a full disk is the machine's and counts as no crash; another attempt waits a while, as the disk may be full yet.
local function bury_attempt(id, crash_limit, disk_is_full)
  if field(id, 'status') == 'cancelling' then
    move(id, 'cancelled', 'info', say('job-cancelled'))
    return
  end
  if field(id, 'status') == 'pausing' then
    move(id, 'paused', 'info', say('job-paused'))
    return
  end
  local deaths = redis.call('HINCRBY', job_key(id), 'deaths', 1)
  if disk_is_full then
    redis.call('HSET', job_key(id), 'not_before', now_ms() + 10000)
    move(id, 'queued', 'warn', say('worker-lost-on-full-disk'))
    return
  end
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  if crashes >= crash_limit then
    redis.call('HSET', job_key(id), 'error', cjson.encode({
      code = 'poison',
      message = say('worker-died', {deaths = deaths, crashes = crashes}),
      remedy = say('look-at-memory-and-log')}))
    move(id, 'failed', 'error', say('worker-died-in-every-attempt'))
    return
  end
  local pauses_ms = {0, 10000, 60000}  -- none after the first crash: most are the machine's, not the job's
  redis.call('HSET', job_key(id), 'not_before', now_ms() + (pauses_ms[math.max(1, crashes)] or 300000))
  move(id, 'queued', 'warn', say('worker-lost'))
end

-- The jobs whose models a request (JSON) names: fields such as `adapter` with ft:<base>:<suffix>:<id without prefix>…
local function models_named(request)
  local ids = {}
  if string.find(request, '"ft:', 1, true) then
    for _, value in pairs(cjson.decode(request)) do
      local part = type(value) == 'string' and string.match(value, '^ft:[^:]+:[^:]+:(%w+)')
      if part then ids['ftjob-' .. part] = value end
    end
  end
  return ids
end

-- A job that waits, runs or is paused on the model that job `id` made, or nil.
local function user_of_model(id)
  for _, set in ipairs({QUEUED, WAITING, RUNNING, PAUSED}) do
    for _, other in ipairs(redis.call('ZRANGE', set, 0, -1)) do
      if models_named(field(other, 'request') or '')[id] then return other end
    end
  end
  return nil
end
