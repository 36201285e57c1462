-- What `record.rs` does to a record, in milliseconds of the server's clock. The two have to agree, and
-- `tests/attempt_stores/redis/model.rs` holds them to it.
--
-- KEYS[1] is the record. ARGV: 1 the limit, 2 the guesses after a lock, 3 the first lock, 4 the longest,
-- 5 when it is forgotten, 6 whether gradually, 7 half of what an attempt may take, 8 the next generation.
local limit, further = tonumber(ARGV[1]), tonumber(ARGV[2])
local first, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local forget, gradual, half = tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Failures, attempts let in in this half of a lease and in the one before, since when, when all is
-- forgotten, when the lock or the half ends, whether it is a lock, how many there were, and what the leases
-- of both halves are marked with: texts, as numbers they would lose what is beyond 2^53.
local held = redis.call('HMGET', KEYS[1], 'f', 'n', 'w', 's', 'o', 'e', 'l', 'c', 'g', 'p')
local function number(at) return tonumber(held[at] or 0) end
local failed, in_flight, waning = number(1), number(2), number(3)
local since, forget_at, ends = number(4), number(5), number(6)
local locked, locks = number(7) == 1, number(8)
local generation, previous = held[9] or ARGV[8], held[10] or ''

local function next_lock()
  return math.min(first * 2 ^ locks, longest)
end

local function begin_lock(at)
  local lock = next_lock()
  locks = math.min(locks + 1, 63)
  locked, ends = true, at + lock
  forget_at = math.max(forget_at, ends + forget)
  if in_flight + waning > 0 then
    -- There are some only where a policy has become stricter. They have failed, and their leases are over.
    failed = math.min(failed + in_flight + waning, 65535)
    in_flight, waning, generation, previous = 0, 0, ARGV[8], ''
  end
  return lock
end

-- How long a lock has begun by it; 0 if none has.
local function fail(count, at)
  if failed == 0 then since = at end
  failed = math.min(failed + count, 65535)
  forget_at = math.max(forget_at, at + forget)
  if failed >= limit and not locked then return begin_lock(at) end
  return 0
end

-- Ends a lock whose time is over, and forgets.
local function pass(at)
  if locked then
    if at < ends then return end
    locked = false
    failed = math.min(failed, limit - further)
    if gradual then since = ends end
  end
  if at >= forget_at then
    failed, locks = 0, 0
  elseif gradual and failed > 0 and (at - since) * 16 >= forget then
    local due = math.floor((at - since) * limit / forget)
    failed = math.max(failed - due, 0)
    since = since + math.ceil(due * forget / limit)
  end
end

-- Does what time alone has done since somebody last looked. Answers whether the outcome has to be kept even
-- where nobody is let in: what a clock or a policy that has changed has done would be done anew each time.
local function roll()
  -- Of a clock that was set back, or of another server that has taken over.
  since = math.min(since, now)
  local keep, latest = false, now + (locked and longest or half)
  if ends > latest then ends, keep = latest, true end
  forget_at = math.min(forget_at, now + longest + forget)

  while in_flight + waning > 0 and not locked and now >= ends do
    local at, lost = ends, waning
    pass(at)
    waning, in_flight = in_flight, 0
    -- Of the second half that has passed without anybody nobody has a lease.
    previous, generation = generation, ARGV[8]
    ends = at + half
    if lost > 0 then fail(lost, at) end
  end
  pass(now)
  if failed >= limit and not locked then
    -- Of a policy that was not as strict.
    begin_lock(now)
    keep = true
  end
  return keep
end

local function is_blank()
  return failed == 0 and in_flight + waning == 0 and not locked and locks == 0
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
  redis.call('HSET', KEYS[1], 'f', whole(failed), 'n', whole(in_flight), 'w', whole(waning),
    's', whole(since), 'o', whole(forget_at), 'e', whole(ends), 'l', locked and '1' or '0',
    'c', whole(locks), 'g', generation, 'p', previous)
  -- The last thing that can still happen to it by itself, and then until it is forgotten.
  local last = forget_at
  if locked then last = math.max(last, ends + forget) end
  if in_flight + waning > 0 then last = math.max(last, ends + half + next_lock() + forget) end
  -- A second more than it takes, as the server's clocks for keys and for scripts are not quite one.
  redis.call('PEXPIRE', KEYS[1], whole(last - now + 1000))
end

local has_to_be_kept = roll()
