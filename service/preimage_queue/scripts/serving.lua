-- Shared part: what the live workers of a pool say of themselves, taken together.
--
-- Each has an entry of its own. To ask all of them with every submission would make a large fleet
-- slow, so announcements keep a summary. It holds while as many are registered as it counts, which
-- workers of earlier versions change too, and until the first of them may be gone.

-- How long a worker is remembered as asked to leave, from its last announcement on: workers give
-- themselves a new name at every start.
local DRAIN_MS = 3600000

local function sum_up(pool)
  local all = { rate = 0, widest = 0, twins = true, first = math.huge, count = 0, gone = {} }
  local flat = call('HGETALL', key('serving', pool))
  for i = 1, #flat, 2 do
    local word = split(flat[i + 1], ' ')
    if num(word[1]) > NOW then
      all.count, all.first = all.count + 1, math.min(all.first, num(word[1]))
      all.widest, all.rate = math.max(all.widest, num(word[2])), all.rate + num(word[3])
      all.twins = all.twins and word[4] == 'twins'
    else
      all.gone[#all.gone + 1] = flat[i]
    end
  end
  return all
end

local function serving(pool)
  local kept = call('HMGET', key('capacity', pool), 'first', 'count', 'rate', 'widest', 'twins')
  if num(kept[1]) > NOW and num(kept[2]) == call('HLEN', key('serving', pool)) then
    return { rate = num(kept[3]), widest = num(kept[4]), twins = kept[5] == '1' }
  end
  return sum_up(pool)
end
