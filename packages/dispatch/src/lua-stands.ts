/**
 * Lua function `stands(place, id)`: how the job `id` of the queue whose keys begin with `place` stands. False when it is not kept, is over, or is
 * in none of BullMQ's places from which it will be delivered; else `waits` (for children) or true.
 *
 * One that is active without a lock stands, too: BullMQ's stalled check delivers it again. Lists have no index, so long ones are trusted:
 * what breaks a list takes the whole key.
 */
export const luaStands = `
local longest = 1000
local function isInList(list, id)
  local length = redis.call('LLEN', list)
  if length == 0 then return false end
  return length > longest or redis.call('LPOS', list, id) ~= false
end
local function isIn(set, id) return redis.call('ZSCORE', set, id) ~= false end
local function stands(place, id)
  if redis.call('EXISTS', place .. id) == 0 then return false end
  if isIn(place .. 'waiting-children', id) then return 'waits' end
  if isIn(place .. 'delayed', id) or isIn(place .. 'prioritized', id) then return true end
  if isIn(place .. 'completed', id) or isIn(place .. 'failed', id) then return false end
  return redis.call('EXISTS', place .. id .. ':lock') == 1 or isInList(place .. 'wait', id) or isInList(place .. 'active', id)
end
`;
