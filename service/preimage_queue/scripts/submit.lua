-- Puts a job into the queue, once for each (tenant, request_id).
--
-- A: id tenant request_id fingerprint lane pool batch_key slots cost weight spec blobs model layer
--    deadline_ms max_jobs max_bytes max_tenant_jobs
-- Returns {CREATED | EXISTING | CONFLICT, id}, {MISSING_BLOB, digest}
--    or {REJECTED, reason, retry_after_ms, limit}

local REQUEST = key('request', A.tenant .. ':' .. A.request_id)

local function known_answer()
  local id = call('GET', REQUEST)
  local fingerprint = id and call('HGET', key('job', id), 'fingerprint')
  if not fingerprint then return nil end
  if fingerprint ~= A.fingerprint then return { 'CONFLICT', id } end
  return { id == A.id and 'CREATED' or 'EXISTING', id }
end

-- What live workers of the pool say: work per second in all, and the most slots of one.
local function capacity()
  local rate, widest = 0, 0
  local flat = call('HGETALL', key('serving', A.pool))
  for i = 2, #flat, 2 do
    local word = split(flat[i], ' ')
    if num(word[1]) > NOW then
      widest = math.max(widest, num(word[2]))
      rate = rate + num(word[3])
    end
  end
  return rate, widest
end

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

local function refusal(bytes)
  local sums, tenant = key('sums'), 'queued|' .. A.tenant
  local rate, widest = capacity()
  if widest > 0 and num(A.slots) > widest then return rejection('TOO_WIDE', 0, widest) end
  if num(call('HGET', sums, 'total')) >= num(A.max_jobs) then
    return rejection('QUEUED_JOBS', retry_ms(rate), num(A.max_jobs))
  end
  if num(call('HGET', key('tenants'), tenant)) >= num(A.max_tenant_jobs) then
    return rejection('TENANT_JOBS', retry_ms(rate), num(A.max_tenant_jobs))
  end
  if num(call('HGET', sums, 'bytes')) + bytes > num(A.max_bytes) then
    return rejection('QUEUED_BYTES', retry_ms(rate), num(A.max_bytes))
  end
  if num(A.deadline_ms) > 0 and rate > 0 and wait_ms(rate) > num(A.deadline_ms) then
    local wait = wait_ms(rate)
    return rejection('DEADLINE_UNATTAINABLE', wait - num(A.deadline_ms), wait)
  end
  return nil
end

local function virtual_start()
  local start = math.max(num(call('HGET', key('virtual'), A.lane)),
                         num(call('HGET', key('shares', A.lane), A.tenant)))
  call('HSET', key('shares', A.lane), A.tenant, digits(start + num(A.cost) / num(A.weight)))
  return start
end

local known = known_answer()
if known then return known end
local blobs, missing = look_at_blobs(A)
if not blobs then return { 'MISSING_BLOB', missing } end
local no = refusal(#A.spec + blobs.bytes - blobs.idle_bytes)
if no then return no end

-- The first write is one that Redis refuses at its memory limit: all or nothing.
call('SET', REQUEST, A.id)
local job = key('job', A.id)
for _, name in ipairs({ 'tenant', 'request_id', 'fingerprint', 'lane', 'pool', 'batch_key', 'slots',
                        'cost', 'model', 'layer', 'spec', 'blobs' }) do
  if A[name] ~= '' then call('HSET', job, name, A[name]) end
end
call('HSET', job, 'bytes', #A.spec + blobs.bytes, 'created', NOW, 'attempt', 0, 'deliveries', 0)
if num(A.deadline_ms) > 0 then call('HSET', job, 'deadline', NOW + num(A.deadline_ms)) end
call('ZADD', key('tenant', A.tenant), 0, A.id)
call('HSET', job, 'state', 'QUEUED')
local fresh = load(A.id)
hold_blobs(fresh, blobs)
enter(fresh, virtual_start())
emit(fresh)
return { 'CREATED', A.id }
