-- Shared part: what a tenant has in the queue and has used of the workers.
--
-- Slot-seconds are kept by the minute in which an attempt ended: `spent:<tenant>` has at most an hour
-- of them, and the newest keeps all alive. An attempt counts from its claim, whatever came of it;
-- those of an unmetered job do not.

local MINUTE_MS, WINDOW_MINUTES = 60000, 60

local function has_too_many_bytes(tenant, more)
  local most = A.max_tenant_bytes
  if not most or most == '' then return false end
  return num(call('HGET', key('tenants'), 'bytes|' .. tenant)) + more > num(most)
end

local function this_minute() return math.floor(NOW / MINUTE_MS) end

local function spend(job)
  local started = num(job.started)
  local used = num(job.slots) * math.max(0, NOW - started)
  if job.unmetered or started == 0 or used == 0 then return end
  local spent = key('spent', job.tenant)
  if call('HINCRBY', spent, digits(this_minute()), digits(used)) > used then return end
  -- The first of its minute, which it outlives by an hour at least.
  for _, minute in ipairs(call('HKEYS', spent)) do
    if num(minute) <= this_minute() - WINDOW_MINUTES then call('HDEL', spent, minute) end
  end
  call('PEXPIRE', spent, (WINDOW_MINUTES + 1) * MINUTE_MS)
end

-- Milliseconds until the tenant has used less than its slot-seconds within an hour; 0 if it has.
local function wait_for_slot_ms(tenant)
  if A.max_slot_ms == '' then return 0 end
  local used, minutes, by_minute = 0, {}, {}
  local flat = call('HGETALL', key('spent', tenant))
  for i = 1, #flat, 2 do
    local minute = num(flat[i])
    if minute > this_minute() - WINDOW_MINUTES then
      minutes[#minutes + 1], by_minute[minute] = minute, num(flat[i + 1])
      used = used + num(flat[i + 1])
    end
  end
  if used < num(A.max_slot_ms) then return 0 end
  table.sort(minutes)
  for _, minute in ipairs(minutes) do
    used = used - by_minute[minute]
    if used < num(A.max_slot_ms) then return (minute + WINDOW_MINUTES) * MINUTE_MS - NOW end
  end
  return WINDOW_MINUTES * MINUTE_MS
end
