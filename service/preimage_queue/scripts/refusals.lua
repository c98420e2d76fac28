-- Shared part: why a job is not taken now.
--
-- A: tenant lane pool slots deadline_ms max_jobs max_bytes max_tenant_jobs max_tenant_bytes
--    max_slot_ms (the last two may be empty: none)

-- Work queued before the job in ms, by the lanes' shares: a lane gets at least its weight's part.
local function wait_ms(rate)
  local total, own = 0, 0
  for _, lane in ipairs({ 'interactive', 'batch', 'instant' }) do
    local cost = num(call('HGET', key('sums'), 'cost|' .. lane .. '|' .. A.pool)) / 1000
    total = total + cost
    if lane == A.lane then own = cost end
  end
  local weight = num(A[A.lane .. '_weight'])
  local weights = num(A.interactive_weight) + num(A.batch_weight)
  local alone = weight > 0 and own * weights / weight or own
  return math.floor(math.min(total, alone) / rate * 1000)
end

local function rejection(reason, retry_after_ms, limit)
  return { 'REJECTED', reason, math.floor(retry_after_ms), limit }
end

-- A tenth of the queue should have gone by then.
local function retry_ms(rate)
  if rate <= 0 then return 5000 end
  return math.max(1000, math.min(60000, wait_ms(rate) / 10))
end

local function tenant_refusal(rate)
  if num(call('HGET', key('tenants'), 'queued|' .. A.tenant)) < num(A.max_tenant_jobs) then
    return nil
  end
  return rejection('TENANT_JOBS', retry_ms(rate), num(A.max_tenant_jobs))
end

-- Only for jobs that need a run of their own: one that follows another takes nothing of these.
local function quota_refusal(rate, bytes)
  if has_too_many_bytes(A.tenant, bytes) then
    return rejection('TENANT_BYTES', retry_ms(rate), num(A.max_tenant_bytes))
  end
  local wait = wait_for_slot_ms(A.tenant)
  if wait > 0 then return rejection('SLOT_SECONDS', wait, num(A.max_slot_ms)) end
  return nil
end

local function refusal(bytes)
  local sums = key('sums')
  local all = serving(A.pool)
  local rate, widest = all.rate, all.widest
  if widest > 0 and num(A.slots) > widest then return rejection('TOO_WIDE', 0, widest) end
  local waiting = call('HMGET', sums, 'total', 'bytes')
  if num(waiting[1]) >= num(A.max_jobs) then
    return rejection('QUEUED_JOBS', retry_ms(rate), num(A.max_jobs))
  end
  local of_tenant = tenant_refusal(rate)
  if not of_tenant and A.max_tenant_bytes .. A.max_slot_ms ~= '' then
    of_tenant = quota_refusal(rate, bytes)
  end
  if of_tenant then return of_tenant end
  if num(waiting[2]) + bytes > num(A.max_bytes) then
    return rejection('QUEUED_BYTES', retry_ms(rate), num(A.max_bytes))
  end
  if num(A.deadline_ms) > 0 and rate > 0 and wait_ms(rate) > num(A.deadline_ms) then
    local wait = wait_ms(rate)
    return rejection('DEADLINE_UNATTAINABLE', wait - num(A.deadline_ms), wait)
  end
  return nil
end
