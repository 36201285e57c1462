
-- Answers the failures, the attempts under way, for how long it is locked, and how long ago a failure was
-- last counted; -1 if there is nothing to remember.
local ago = -1
if failed > 0 or locked or locks > 0 then ago = math.max(now - (forget_at - forget), 0) end
return {failed, in_flight + waning, locked and math.max(ends - now, 0) or 0, ago}
