-- → ids of the jobs that are told to pause. From here on no job starts; those that publish their result end.
local told = {}
redis.call('SET', HELD, now_ms())
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
  if field(id, 'status') == 'running' and field(id, 'publishing') ~= '1' then
    move(id, 'pausing', 'info', say('pause-requested'))
    redis.call('HSET', job_key(id), 'paused_with_all', 1)
    table.insert(told, id)
  end
end
return told
