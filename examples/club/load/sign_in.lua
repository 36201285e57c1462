-- Signs in, as the form of the club's own page does, and again a second later, which is what 503 asks for. Half of them
-- are members with their password, the others are anybody with a wrong one. Each comes from an address of its own, as
-- the proxy tells it.

local MEMBERS = { "ann", "carl", "mia", "adam" }
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  math.randomseed(os.time())
  password = os.getenv("PASSWORD")
  counts, granted, wrong, locked, busy, others, hasty = 0, 0, 0, 0, 0, 0, 0
  worst = 0
end

function delay()
  return 1000 -- ms
end

function request()
  local address = string.format("10.%d.%d.%d", math.random(0, 255), math.random(0, 255), math.random(1, 254))
  local name, secret = "player" .. math.random(1, 100000), "not it"
  if math.random(2) == 1 then name, secret = MEMBERS[math.random(#MEMBERS)], password end
  return wrk.format("POST", "/sign-in", {
    ["Host"] = "club.example",
    ["Origin"] = "https://club.example",
    ["Sec-Fetch-Site"] = "same-origin",
    ["X-Forwarded-For"] = address,
    ["X-Forwarded-Proto"] = "https",
    ["Content-Type"] = "application/x-www-form-urlencoded",
  }, "name=" .. name .. "&password=" .. secret)
end

function response(status, headers)
  if status == 303 then granted = granted + 1
  elseif status == 401 then wrong = wrong + 1
  elseif status == 429 then locked = locked + 1
  elseif status == 503 then busy = busy + 1
  else others, worst = others + 1, status end
  if status == 429 or status == 503 then
    local told = false
    for name in pairs(headers) do told = told or name:lower() == "retry-after" end
    if not told then hasty = hasty + 1 end
  end
end

function done(summary)
  local all = {}
  for _, name in ipairs { "granted", "wrong", "locked", "busy", "others", "hasty", "worst" } do
    all[name] = 0
    for _, thread in ipairs(threads) do all[name] = all[name] + thread:get(name) end
  end
  print(string.format("sign-ins: %d granted, %d wrong, %d locked, %d told to come back (503)",
    all.granted, all.wrong, all.locked, all.busy))
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  if all.others + all.hasty + errors == 0 and all.granted > 0 and all.wrong > 0 then print("in order")
  else print(string.format("not in order: %d others such as %d, %d without Retry-After, %d errors of connections",
    all.others, all.worst, all.hasty, errors)) end
end
