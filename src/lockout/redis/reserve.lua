
-- Answers 0 and the generation, 1 for busy, or 2 and for how long it is locked. Nothing is written where
-- nobody is let in, not even when the record goes, unless a clock or a policy has changed.
if locked then
  if has_to_be_kept then save() end
  return {2, ends - now}
end
local under_way = in_flight + waning
if failed + under_way >= limit or under_way >= 255 then
  if has_to_be_kept then save() end
  return {1, 0}
end
if under_way == 0 then ends = now + half end
in_flight = in_flight + 1
save()
return {0, generation}
