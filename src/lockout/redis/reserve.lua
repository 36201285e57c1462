
-- Answers 0 and the generation, 1 for busy, or 2, for how long it is locked, and for how long it has
-- been. Nothing is written where nobody is let in, not even when the record goes.
if ends > now then return {2, ends - now, math.max(now - touched, 0)} end
if failed + in_flight >= limit or in_flight >= 255 then return {1, 0, 0} end
if in_flight == 0 and not generation then generation = ARGV[8] end
in_flight = in_flight + 1
touched = math.max(touched, now)
save()
return {0, generation, 0}
