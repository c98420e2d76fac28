-- Puts a job into the queue, once for each (tenant, request_id), unless an equal one has been or is
-- being computed: then the job gets that one's result.
--
-- A: id tenant request_id fingerprint lane pool batch_key slots cost weight spec blobs model layer
--    deadline_ms max_jobs max_bytes max_tenant_jobs max_tenant_bytes max_slot_ms (empty: none)
--    computation (empty: shares nothing)
--    refresh (1: computes anew) presence_ms trace unmetered (1 | empty)
--    gathered (1: its blobs were stored one after the other, for it)
-- Returns {CREATED, id, created}, {CACHED | SHARED | EXISTING | CONFLICT, id},
--    {MISSING_BLOB, digest}
--    or {REJECTED, reason, retry_after_ms, limit}

local REQUEST = key('request', A.tenant .. ':' .. A.request_id)

local function answer_of(id)
  local job = load(id)
  if not job then return nil end
  if job.fingerprint ~= A.fingerprint then return { 'CONFLICT', id } end
  if id ~= A.id then return { 'EXISTING', id } end
  if job.via then return { job.via, id } end
  return { 'CREATED', id, num(call('HGET', key('job', id), 'created')) }
end

local function virtual_start()
  local start = math.max(num(call('HGET', key('virtual'), A.lane)),
                         num(call('HGET', key('shares', A.lane), A.tenant)))
  call('HSET', key('shares', A.lane), A.tenant, digits(start + num(A.cost) / num(A.weight)))
  return start
end

local function known_answer()
  local id = call('GET', REQUEST)
  local answer = id and answer_of(id)
  if answer then forget_gathering(A) end
  return answer
end

-- Workers keep a slot for who brings jobs.
local function be_present()
  if num(A.slots) == 0 then return end
  call('ZADD', present_key(A), MOMENT, A.tenant)
  call('PEXPIRE', present_key(A), A.presence_ms)
end

-- The equal job that this one can follow, or nil. One that waits in the lane batch would slow down
-- who waits for this one; unless it was claimed before, it steps back for it.
local function leader_of_flight(id)
  local job = load_of(id, A.tenant)
  if not job or ended(job) or job.cancel then return nil, nil end
  if call('ZCARD', key('followers', id)) >= MOST_FOLLOWERS then return nil, nil end
  if job.state == 'QUEUED' and job.lane == 'batch' and A.lane ~= 'batch' then
    return nil, job.attempt == '0' and job or nil
  end
  return job, nil
end

local function find_leader()
  local id = call('GET', flight_key(A))
  if id then return leader_of_flight(id) end
  return nil, nil
end

local GIVEN = { 'tenant', 'request_id', 'fingerprint', 'lane', 'pool', 'batch_key', 'slots', 'cost',
                'model', 'layer', 'spec', 'blobs', 'computation', 'trace', 'unmetered' }

-- The first write is one that Redis refuses at its memory limit: all or nothing.
local function write_record(bytes, via)
  call('SET', REQUEST, A.id)
  local job = {
    id = A.id, state = 'QUEUED', attempt = '0', deliveries = '0', via = via, bytes = digits(bytes),
    score = not via and digits(virtual_start()) or nil,
    deadline = num(A.deadline_ms) > 0 and digits(NOW + num(A.deadline_ms)) or nil,
  }
  local flat = { 'state', job.state, 'attempt', '0', 'deliveries', '0', 'bytes', job.bytes,
                 'created', MOMENT, 'queued', MOMENT }
  local size = #flat
  for _, name in ipairs(GIVEN) do
    local value = A[name]
    if value ~= '' then
      job[name], flat[size + 1], flat[size + 2] = value, name, value
      size = size + 2
    end
  end
  for _, name in ipairs({ 'score', 'deadline', 'via' }) do
    if job[name] then flat[size + 1], flat[size + 2], size = name, job[name], size + 2 end
  end
  call('HSET', key('job', A.id), unpack(flat))
  call('ZADD', key('tenant', A.tenant), '0', A.id)
  return job
end

local function have_result_of(known, fresh)
  local values = call('HMGET', key('job', known.id), 'result', 'computed')
  local keep_ms = num(A.retention_ms)
  fresh.source = result_place(known)
  call('HSET', key('job', fresh.id), 'source', fresh.source, 'computed', values[2])
  note_end(fresh, 'SUCCEEDED', '', { result = values[1] or '', error = '',
                                     outputs = known.outputs or '' }, keep_ms)
  release_blobs(fresh, 0)
  emit(fresh)
  hold_result(fresh, known, keep_ms)
  retain(fresh, keep_ms)
end

local known = known_answer()
if known then return known end
local blobs, missing = look_at_blobs(A)
local bytes = #A.spec + blobs.bytes
local shares = A.computation ~= '' and A.refresh ~= '1'

local same = shares and kept_result(A)
if same then
  local fresh = write_record(bytes, 'CACHED')
  hold_blobs(fresh, blobs)
  have_result_of(same, fresh)
  return { 'CACHED', A.id }
end
if missing then return { 'MISSING_BLOB', missing } end

local leader, slow = nil, nil
if shares and num(A.deadline_ms) == 0 then leader, slow = find_leader() end
local no
if leader then no = tenant_refusal(serving(A.pool).rate) else no = refusal(bytes - blobs.idle_bytes) end
if no then return no end
local fresh = write_record(bytes, leader and 'SHARED' or nil)
hold_blobs(fresh, blobs)
forget_sending(A)
if leader then
  fresh.state = nil
  follow(fresh, leader)
  return { 'SHARED', A.id }
end
stand_in_line(fresh)
be_present()
emit(fresh)
if slow then step_back(slow, fresh) end
lead(fresh)
return { 'CREATED', A.id, NOW }
