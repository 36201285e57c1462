-- What `record.rs` does to a record, in milliseconds of the server's clock. The two have to agree, and
-- `tests/attempt_stores/model.rs` holds them to it.
--
-- KEYS[1] is the record. ARGV: 1 the limit, 2 the guesses after a lock, 3 the first lock, 4 the longest,
-- 5 when it is forgotten, 6 whether gradually, 7 how long an attempt may take, 8 the next generation.
local limit, further = tonumber(ARGV[1]), tonumber(ARGV[2])
local first, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local forget, gradual, lease = tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])

-- Rounded down for what is over, and up for what begins.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local begun = now
if time[2] % 1000 > 0 then begun = now + 1 end

local held = redis.call('HMGET', KEYS[1], 'f', 'n', 's', 't', 'u', 'c', 'g')
local failed, in_flight = tonumber(held[1] or 0), tonumber(held[2] or 0)
local since, touched, ends = tonumber(held[3] or 0), tonumber(held[4] or 0), tonumber(held[5] or 0)
local locks = tonumber(held[6] or 0)
-- A text: as a number it would lose what is beyond 2^53.
local generation = held[7]

local function next_lock()
  return math.min(first * 2 ^ locks, longest)
end

local function begin_lock(at)
  local lock = next_lock()
  locks = math.min(locks + 1, 255)
  ends = at + lock
  return lock
end

-- How long a lock has begun by it; 0 if none has.
local function fail(count, at)
  if failed == 0 then since = at end
  failed = math.min(failed + count, 65535)
  touched = math.max(touched, at)
  if failed >= limit and ends == 0 then return begin_lock(at) end
  return 0
end

-- Does what time alone has done since somebody last looked.
local function roll()
  -- Of a clock that was set back, or of another server that has taken over.
  touched = math.min(touched, now + 1)
  since = math.min(since, now + 1)
  ends = math.min(ends, now + longest + 1)

  if in_flight > 0 and now >= touched + lease then
    local lost = in_flight
    in_flight = 0
    generation = ARGV[8]
    fail(lost, touched + lease)
  end
  if failed >= limit and ends == 0 and in_flight == 0 then
    -- Of a policy that was not as strict.
    begin_lock(touched)
  end
  if ends ~= 0 and now >= ends then
    failed = math.min(failed, limit - further)
    since = ends
    touched = math.max(touched, ends)
    ends = 0
  end
  if ends ~= 0 then return end
  if now - touched >= forget then
    failed, locks = 0, 0
  elseif gradual and failed > 0 then
    local each = math.max(math.floor(forget / limit), 1)
    local due = math.max(math.floor((now - since) / each), 0)
    failed = math.max(failed - due, 0)
    since = since + due * each
  end
end

local function is_blank()
  return failed == 0 and in_flight == 0 and ends == 0 and locks == 0
end

-- However large, without an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- The record and when it goes, at once: there is no record that stays for good.
local function save()
  if is_blank() then
    redis.call('DEL', KEYS[1])
    return
  end
  redis.call('HSET', KEYS[1], 'f', whole(failed), 'n', whole(in_flight), 's', whole(since),
    't', whole(touched), 'u', whole(ends), 'c', whole(locks), 'g', generation)
  -- The last thing that can still happen to it by itself, and then until it is forgotten.
  local last = math.max(touched, ends)
  if in_flight > 0 then
    last = math.max(last, touched + lease)
    if failed + in_flight >= limit and ends == 0 then last = last + next_lock() end
  end
  -- A second more than it takes, as the server's clocks for keys and for scripts are not quite one.
  redis.call('PEXPIRE', KEYS[1], whole(last + forget - now + 1000))
end

roll()
