-- Shared part: how much of a worker a tenant may hold while others are about.
--
-- A: free capacity batch_key
--    held (`<tenant>:<slots>`, with commas: what the worker holds)
--    kept (part of the slots that are kept at most), presence_ms
--
-- Shares by cost alone leave every slot to who asks for much, and jobs of equal length give them all
-- back together: who comes in between would wait for a whole job. So a worker keeps a slot free for
-- each tenant that has brought a job of this batch key lately and holds less than the one that asks.
-- Nobody is kept back within its own share, nor while it holds nothing: a wide job gets its turn. A
-- share is what all can have at one time (max-min fair, Bertsekas & Gallager 1992, 6.5.2), where
-- others want what they hold and one slot more. A tenant that is alone has everything.

local free = num(A.free)
-- All that an idle worker has is free. If it has less than its capacity, it has shrunk.
local CAPACITY = A.batch_key == '' and math.min(free, num(A.capacity)) or num(A.capacity)

local held = {}
for tenant, slots in string.gmatch(A.held or '', '([^:,]+):(%d+)') do held[tenant] = num(slots) end

local function hold(job) held[job.tenant] = (held[job.tenant] or 0) + num(job.slots) end

-- Whether a job must wait so that others find a slot; asked again whenever a job was chosen. Once a
-- tenant is kept back it stays so for this claim: its narrow jobs must not overtake its wide one.
local function keeper(batch)
  local most, name = math.floor(CAPACITY * num(A.kept)), present_key(batch)
  if most == 0 then return function() return false end end
  call('ZREMRANGEBYSCORE', name, '-inf', NOW - num(A.presence_ms))
  local present, known, back = call('ZCARD', name), {}, {}
  local function is_present(tenant)
    if known[tenant] == nil then known[tenant] = call('ZSCORE', name, tenant) ~= false end
    return known[tenant]
  end
  -- Whether all find room if the tenant has so many slots, and others as many, or what they hold and
  -- one more if they are present.
  local function fits(tenant, level)
    local used, idle = level, present - (is_present(tenant) and 1 or 0)
    for other, slots in pairs(held) do
      local one = is_present(other) and 1 or 0
      if other ~= tenant then used, idle = used + math.min(level, slots + one), idle - one end
    end
    return used + idle <= CAPACITY
  end
  -- Others who are present and hold less than the tenant does.
  local function others_below(tenant, has)
    local below = present - (is_present(tenant) and 1 or 0)
    for other, slots in pairs(held) do
      if other ~= tenant and slots >= has and is_present(other) then below = below - 1 end
    end
    return below
  end
  return function(job)
    local tenant, has, slots = job.tenant, held[job.tenant] or 0, num(job.slots)
    if back[tenant] then return true end
    if has == 0 or fits(tenant, has + slots) then return false end
    local kept = others_below(tenant, has)
    back[tenant] = kept > 0 and free - slots < math.min(most, kept)
    return back[tenant]
  end
end
