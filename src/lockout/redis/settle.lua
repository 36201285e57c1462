
-- ARGV: 9 the lease's generation, 10 how it ended: 0 as a failure, 1 uncounted, 2 it was right, 3 so many
-- failures are given back: 11 how many, 12 since when. Answers whether the lease was over, the failures
-- before, since when, and the lock that has begun.
local before, before_since, lock = failed, since, 0
if ARGV[9] == generation and in_flight > 0 then
  in_flight = in_flight - 1
elseif ARGV[9] == previous and waning > 0 then
  waning = waning - 1
else
  return {1, failed, since, 0}
end
if ARGV[10] == '0' then
  lock = fail(1, now)
elseif ARGV[10] == '2' then
  failed, locks = 0, 0
elseif ARGV[10] == '3' and tonumber(ARGV[12]) >= since then
  failed = math.max(failed - tonumber(ARGV[11]), 0)
end
save()
return {0, before, before_since, lock}
