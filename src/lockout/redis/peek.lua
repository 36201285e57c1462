
-- Answers the failures, the attempts under way, and for how long it is locked.
return {failed, in_flight + waning, locked and math.max(ends - now, 0) or 0}
