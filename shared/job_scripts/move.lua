-- id, how ('front', 'back', 'before', 'behind', 'up', 'down', 'priority'), another job's id or a number
-- → 'ok' | 'missing' | 'not_queued' | 'itself', and which job
-- Moves a queued job among those that are queued. Who comes to stand among jobs of another priority takes theirs, as
-- little of it as is needed. The jobs of that priority share out their places anew, so nobody's place ever runs out
-- of room, and those that run or are paused keep theirs.
local id, how, what = ARGV[1], ARGV[2], ARGV[3]
if (how == 'before' or how == 'behind') and what == id then return {'itself', id} end
for _, one in ipairs((how == 'before' or how == 'behind') and {id, what} or {id}) do
  local status = field(one, 'status')
  if not status then return {'missing', one} end
  if status ~= 'queued' then return {'not_queued', one} end
end

-- All that are queued, in their order. Those that wait for others have their places, too, but count for nobody's.
local line = {}
for _, set in ipairs({QUEUED, WAITING}) do
  local rows = redis.call('ZRANGE', set, 0, -1, 'WITHSCORES')
  for first = 1, #rows, 2 do
    local score = tonumber(rows[first + 1])
    local priority = -math.floor(score / PRIORITY_STEP)
    table.insert(line, {id = rows[first], set = set, score = score, priority = priority,
      place = score + priority * PRIORITY_STEP})
  end
end
table.sort(line, function(one, other) return one.score < other.score end)

local function index_of(wanted)
  for index, job in ipairs(line) do
    if job.id == wanted then return index end
  end
end

-- The position that a job at this index of the line has, which `queue_position` shows of those that may start.
local function position(index)
  local ahead = 0
  for other = 1, index - 1 do
    if line[other].set == QUEUED then ahead = ahead + 1 end
  end
  return ahead + 1
end

local at = index_of(id)
local from = position(at)
local job = table.remove(line, at)

-- The index to stand at, and the priority to take there.
local function target()
  if how == 'front' then return 1 end
  if how == 'back' then return #line + 1 end
  if how == 'before' then return index_of(what) end
  if how == 'behind' then return index_of(what) + 1 end
  local left, to = tonumber(what), at
  for index = how == 'up' and at - 1 or at, how == 'up' and 1 or #line, how == 'up' and -1 or 1 do
    if left == 0 then break end
    if line[index].set == QUEUED then
      left, to = left - 1, how == 'up' and index or index + 1
    end
  end
  return to
end

local function with_priority(priority)
  local score, to = job.place - priority * PRIORITY_STEP, 1
  while line[to] and line[to].score < score do to = to + 1 end
  return to, priority
end

local function among_neighbours(to)
  local priority = job.priority
  if line[to] then priority = math.max(priority, line[to].priority) end
  if line[to - 1] then priority = math.min(priority, line[to - 1].priority) end
  return to, priority
end

local to, priority
if how == 'priority' then
  to, priority = with_priority(tonumber(what))
else
  to, priority = among_neighbours(target())
end
table.insert(line, to, job)
if to == at and priority == job.priority then return {'ok', id} end

local before = job.priority
job.priority = priority
local members, places = {}, {}
for _, one in ipairs(line) do
  if one.priority == priority then
    table.insert(members, one)
    table.insert(places, one.place)
  end
end
table.sort(places)
for index, one in ipairs(members) do
  if one == job or one.place ~= places[index] then
    redis.call('HSET', job_key(one.id), 'place', string.format('%.0f', places[index]),
      'priority', string.format('%d', priority))
    redis.call('ZADD', one.set, score_of(one.id), one.id)
  end
end

if position(to) ~= from then
  local message = job.set == QUEUED and say('job-moved', {from = from, to = position(to)})
    or say('waiting-job-moved', {from = from, to = position(to)})
  append_event(id, 'info', 'message', message, '{}')
end
if priority ~= before then
  append_event(id, 'info', 'message', say('job-priority-changed', {before = before, now = priority}), '{}')
end
return {'ok', id}
