-- A visitor who comes through the proxy: how long he waits, in microseconds.

wrk.headers["Host"] = "club.example"
wrk.headers["X-Forwarded-For"] = "192.0.2.7"
wrk.headers["X-Forwarded-Proto"] = "https"

function done(summary, latency)
  local errors = summary.errors
  local wrong = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  if wrong > 0 then print("wrong " .. wrong) end
  print(string.format("latency %d %d", latency:percentile(50), latency:percentile(99)))
end
