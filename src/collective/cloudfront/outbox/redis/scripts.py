"""What is done in the server: each script as a whole, or not at all.

Each says whether it is still the outbox that the process knows (``gone`` if not), and
whether what the process has written before is still there (``behind`` if not: a failover
to a replica may lose the last moments).

No memory, a replica, or too few replicas refuse the first command that writes; so what
needs memory is written first, and nothing is ever written by halves.
"""

#: KEYS: outbox, lock, commits, those who wait for the lock, what wakes one of them. ARGV:
#: its id, the process, when that has written last.
_HEAD = """
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'gone'} end
local before = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
if before < tonumber(ARGV[3]) then return {'behind'} end
"""

#: More fields than these are asked for in several commands.
AT_ONCE = 1000

#: One of those who wait is woken: it tries again. KEYS: as above, and ARGV[4] is a token
#: that does not wait any more.
_WAKE = """
redis.call('ZREM', KEYS[4], ARGV[4])
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('RPUSH', KEYS[5], 1)
  redis.call('LTRIM', KEYS[5], 0, 0)
end
"""

#: Notes that a token waits; those that were not heard of for a second do not.
_WAIT = """
local function wait()
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[4], time[1] + time[2] / 1000000, ARGV[4])
  return {'busy'}
end
"""

#: Rows, and with a token the lock. ARGV goes on: token or empty; 1 if it has the lock
#: already; for how many milliseconds it is taken; 1 if it has waited; what is asked for.
#: Whoever comes later does not overtake those who wait.
LOOK = (
    _HEAD
    + _WAIT
    + """
local function is_taken()
  if redis.call('EXISTS', KEYS[2]) == 1 then return true end
  if ARGV[7] == '1' then return false end
  local time = redis.call('TIME')
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', time[1] + time[2] / 1000000 - 1)
  return redis.call('EXISTS', KEYS[4]) == 1
end

local found = {'ok'}
if ARGV[4] ~= '' then
  if ARGV[5] == '1' then
    if redis.call('GET', KEYS[2]) ~= ARGV[4] then return {'lost'} end
    redis.call('PEXPIRE', KEYS[2], ARGV[6])
  elseif is_taken() then
    return wait()
  else
    redis.call('ZREM', KEYS[4], ARGV[4])
    redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[6])
    found[2] = redis.call('HGETALL', KEYS[1])
  end
end
found[2] = found[2] or {}

local function get(key, fields)
  local rows = {}
  for start = 1, #fields, 1000 do
    local last = math.min(start + 999, #fields)
    local some = redis.call('HMGET', key, unpack(fields, start, last))
    for n = 1, #some do rows[#rows + 1] = some[n] end
  end
  return rows
end

local function scan(index, hash, is_key, back, limit, start, count)
  local fields = {}
  for n = start, start + count - 1, 2 do
    local members
    if back == '1' then
      members = redis.call('ZREVRANGEBYLEX', index, ARGV[n + 1], ARGV[n],
        'LIMIT', 0, limit)
    else
      members = redis.call('ZRANGEBYLEX', index, ARGV[n], ARGV[n + 1],
        'LIMIT', 0, limit)
    end
    for m = 1, #members do
      local member = members[m]
      if is_key ~= '1' then
        local length = tonumber(string.sub(member, -4), 16)
        member = string.sub(member, length + 1, -5)
      end
      fields[#fields + 1] = member
    end
  end
  return get(hash, fields)
end

local function distinct(index)
  local values, first = {}, '-'
  while true do
    local member = redis.call('ZRANGEBYLEX', index, first, '+', 'LIMIT', 0, 1)[1]
    if not member then return values end
    local stop = string.find(member, '%z')
    values[#values + 1] = string.sub(member, 1, stop)
    first = '[' .. string.sub(member, 1, stop - 1) .. '\\1'
  end
end

local n = 8
while n <= #ARGV do
  local verb, key = ARGV[n], KEYS[tonumber(ARGV[n + 1])]
  if verb == 'get' then
    local fields, count = {}, tonumber(ARGV[n + 2])
    for f = 1, count do fields[f] = ARGV[n + 2 + f] end
    found[#found + 1] = get(key, fields)
    n = n + 3 + count
  elseif verb == 'scan' then
    local count = tonumber(ARGV[n + 6])
    found[#found + 1] = scan(key, KEYS[tonumber(ARGV[n + 2])], ARGV[n + 3],
      ARGV[n + 4], ARGV[n + 5], n + 7, count)
    n = n + 7 + count
  elseif verb == 'count' then
    found[#found + 1] = redis.call('ZLEXCOUNT', key, ARGV[n + 2], ARGV[n + 3])
    n = n + 4
  else
    found[#found + 1] = distinct(key)
    n = n + 2
  end
end
return found
"""
)

#: Everything that a transaction writes. ARGV goes on: token; 1 if it has the lock; the
#: channel to tell that something is ready, or empty; nothing; commands with their
#: arguments.
COMMIT = (
    _HEAD
    + _WAIT
    + """
local holder = redis.call('GET', KEYS[2])
if ARGV[5] == '1' then
  if holder ~= ARGV[4] then return {'lost'} end
elseif holder then
  return wait()
end
local time = redis.call('TIME')
local now = math.max(time[1] * 1000000 + time[2], before + 1)
redis.call('ZADD', KEYS[3], now, ARGV[2])
local n = 8
while n <= #ARGV do
  local count = tonumber(ARGV[n + 2])
  redis.call(ARGV[n], KEYS[tonumber(ARGV[n + 1])], unpack(ARGV, n + 3, n + 2 + count))
  n = n + 3 + count
end
if ARGV[5] == '1' then redis.call('DEL', KEYS[2]) end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[2]) end
"""
    + _WAKE
    + """
return {'ok', now}
"""
)

#: Gives back the lock, or waits no longer. KEYS as above; ARGV[4]: token.
RELEASE = (
    """
if redis.call('GET', KEYS[2]) == ARGV[4] then redis.call('DEL', KEYS[2]) end
"""
    + _WAKE
)

#: Which outbox it is; makes one where there is none. KEYS: outbox. ARGV: an id for a new
#: one, its format, and the id of one to go on with as another, or empty.
OPEN = """
local id = redis.call('HGET', KEYS[1], 'id')
if not id then redis.call('HSET', KEYS[1], 'format', ARGV[2]) end
if not id or id == ARGV[3] then redis.call('HSET', KEYS[1], 'id', ARGV[1]) end
return redis.call('HMGET', KEYS[1], 'id', 'format')
"""

#: KEYS: owners. ARGV: owners that live, of whom those that have ended stay so. Whoever
#: was not heard of for a day is forgotten.
BEAT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for n = 1, #ARGV do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[n]) or 0) >= 0 then
    redis.call('ZADD', KEYS[1], now, ARGV[n])
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 86400 - now, now - 86400)
"""

#: KEYS: owners. ARGV: one that has ended.
LEAVE = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], -time[1] - time[2] / 1000000, ARGV[1])
"""

#: Those that have ended, or were not heard of for so many seconds. KEYS: owners.
ENDED = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
"""

#: Processes that have not written for a day are forgotten. KEYS: commits.
TIDY = """
local now = tonumber(redis.call('TIME')[1])
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', (now - 86400) * 1000000)
"""
