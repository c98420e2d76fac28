-- Does what is due by the clock. Anyone may call it, at any time.
--
-- A: limit (of each kind)
-- Returns lists of ids: requeued, dead, cancelled, past their deadline, forgotten.

local function due(name)
  return call('ZRANGEBYSCORE', key(name), '-inf', NOW, 'LIMIT', 0, A.limit)
end

local function forget_due(member)
  local part = split(member, '|')
  local job = load(part[1])
  if job then
    forget(job)
  else -- Redis' own expiry was faster
    call('ZREM', key('tenant', part[2]), part[1])
    call('ZREM', key('dead'), part[1])
    call('ZREM', key('retained'), member)
  end
  return part[1]
end

write_at_any_memory()
local done = { REQUEUED = {}, DEAD = {}, CANCELLED = {}, EXPIRED = {} }
for _, id in ipairs(due('leases')) do
  local job = load(id)
  if job then
    local list = done[fail_delivery(job, 'LEASE_EXPIRED', '')]
    list[#list + 1] = id
  else -- a key was lost to somebody outside; it must not stop the reaper
    call('ZREM', key('leases'), id)
  end
end
for _, id in ipairs(end_overdue(A.limit)) do done.EXPIRED[#done.EXPIRED + 1] = id end
local forgotten = {}
for _, member in ipairs(due('retained')) do forgotten[#forgotten + 1] = forget_due(member) end
drop_old_uploads(A.limit)
return { done.REQUEUED, done.DEAD, done.CANCELLED, done.EXPIRED, forgotten }
