-- host, for how long it is remembered (ms), then fields and values. A worker says that it lives, and how it is.
local host, ttl_ms = ARGV[1], tonumber(ARGV[2])
even_when_full()
local now = now_ms()
for first = 3, #ARGV, 2 do redis.call('HSET', worker_key(host), ARGV[first], ARGV[first + 1]) end
redis.call('HSET', worker_key(host), 'beat', now / 1000)
redis.call('PEXPIRE', worker_key(host), ttl_ms)
redis.call('ZADD', WORKERS, now, host)
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', now - ttl_ms)
return 'ok'
