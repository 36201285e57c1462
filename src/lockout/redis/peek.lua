
-- Answers the failures, the attempts under way, for how long it is locked, and how long ago something
-- happened; -1 if there is nothing to remember.
local ago = -1
if not is_blank() then ago = math.max(now - touched, 0) end
return {failed, in_flight, math.max(ends - now, 0), ago}
