-- Leases jobs to a worker.
--
-- A: worker token free capacity pool batch_key (of the running batch, or empty) max_instant skew
--    memory_ms, and what shares.lua needs        ITEMS: pools, sorted
-- Returns a list of rows.

local LANES = { 'interactive', 'batch' }
local WEIGHT = { interactive = num(A.interactive_weight), batch = num(A.batch_weight) }
local WINDOW = 32 -- how far to look past jobs and keys that do not fit; bounds the work
local OVERDUE = 64 -- deadlines to settle on the way; the reaper does the rest
local DAY_MS = 86400000

local MEMORY = key('claim', A.worker)
local claimed = {}

-- The lanes' own virtual times, for all workers that serve the same pools.
local TURNS = key('turns', redis.sha1hex(table.concat(ITEMS, '|')))
local turn = {}
do
  local values = call('HMGET', TURNS, unpack(LANES))
  for i, lane in ipairs(LANES) do turn[lane] = num(values[i]) end
end

-- What a job is chosen by, and what its worker gets.
local function load_waiting(id)
  local v = call('HMGET', key('job', id), 'state', 'attempt', 'tenant', 'lane', 'pool', 'batch_key',
                 'slots', 'cost', 'score', 'bytes', 'blobs', 'deadline', 'deliveries', 'solo', 'step',
                 'computation', 'created', 'queued', 'started', 'checkpoint_step', 'spec', 'model',
                 'layer', 'trace')
  if not v[1] then return nil end
  return {
    id = id, state = v[1], attempt = v[2], tenant = v[3], lane = v[4], pool = v[5],
    batch_key = v[6], slots = v[7], cost = v[8], score = v[9], bytes = v[10], blobs = v[11],
    deadline = v[12], deliveries = v[13], solo = v[14], step = v[15], computation = v[16],
    created = v[17], queued = v[18], started = v[19], checkpoint_step = v[20], spec = v[21],
    model = v[22], layer = v[23], trace = v[24],
  }
end

local LEASE_END = digits(NOW + num(A.lease_ms))

local function describe(job)
  local _, _, batch_key = place(job)
  local flat = {
    'id', job.id, 'batch_key', batch_key, 'lease', LEASE_END, 'now', MOMENT, 'attempt', job.attempt,
    'tenant', job.tenant, 'lane', job.lane, 'pool', job.pool, 'slots', job.slots, 'cost', job.cost,
    'deliveries', job.deliveries, 'created', job.created, 'queued', job.queued,
    'started', job.started, 'spec', job.spec,
  }
  for _, name in ipairs({ 'deadline', 'checkpoint_step', 'blobs', 'model', 'layer', 'trace' }) do
    if job[name] then flat[#flat + 1], flat[#flat + 2] = name, job[name] end
  end
  return flat
end

-- The first job of a batch key that this worker could ever hold.
local function first_fit(lane, pool, batch_key)
  for i = 0, WINDOW - 1 do
    local first = call('ZRANGE', ready_key(lane, pool, batch_key), i, i, 'WITHSCORES')
    if not first[1] then return nil end
    local slots = call('HGET', key('job', first[1]), 'slots')
    if slots and num(slots) <= CAPACITY then
      return { id = first[1], score = tonumber(first[2]), slots = num(slots), lane = lane,
               pool = pool, batch_key = batch_key }
    end
  end
  return nil
end

local function is_before(a, b)
  return a.score < b.score or (a.score == b.score and a.id < b.id)
end

-- The lane's first job over all pools, except those of one batch.
local function best(lane, except)
  local found = nil
  for _, pool in ipairs(ITEMS) do
    for i = 0, WINDOW - 1 do
      local head = call('ZRANGE', heads_key(lane, pool), i, i, 'WITHSCORES')
      if not head[1] then break end
      local id, batch_key = parts_of_head(head[1])
      if found and not is_before({ id = id, score = tonumber(head[2]) }, found) then break end
      if not (except and except.pool == pool and except.batch_key == batch_key) then
        local fit = first_fit(lane, pool, batch_key)
        if fit and (not found or is_before(fit, found)) then found = fit end
      end
    end
  end
  return found
end

-- Of one candidate for each lane, the one whose lane's turn it is.
local function whose_turn(candidates)
  local chosen = nil
  for _, lane in ipairs(LANES) do
    local fit = candidates[lane]
    if fit and (not chosen or turn[lane] < turn[chosen.lane]) then chosen = fit end
  end
  return chosen
end

local function each_lane(look)
  local candidates = {}
  for _, lane in ipairs(LANES) do candidates[lane] = look(lane) end
  return candidates
end

-- Chosen jobs of one place leave the queue and run.
local function lease(jobs)
  local lane = place(jobs[1])
  local virtual, leases, running = num(call('HGET', key('virtual'), lane)), {}, {}
  local top = virtual
  for _, job in ipairs(jobs) do
    top = math.max(top, num(job.score))
    leases[#leases + 1], leases[#leases + 2] = LEASE_END, job.id
    running[job.tenant] = (running[job.tenant] or 0) + 1
  end
  if top > virtual then call('HSET', key('virtual'), lane, digits(top)) end
  leave_together(jobs)
  call('ZADD', key('leases'), unpack(leases))
  for tenant, count in pairs(running) do add(key('tenants'), 'running|' .. tenant, count) end
  for _, job in ipairs(jobs) do
    job.state, job.attempt, job.started = 'RUNNING', digits(num(job.attempt) + 1), MOMENT
    call('HSET', key('job', job.id), 'state', job.state, 'attempt', job.attempt,
         'started', job.started, 'worker', A.worker, 'event_step', '-1')
    emit(job)
    mirror(job)
  end
end

local function choose(job)
  free = free - num(job.slots)
  hold(job)
  claimed[#claimed + 1] = job
end

local function take(fit)
  local job = load_waiting(fit.id)
  choose(job)
  lease({ job })
  return job
end

-- The lane pays for what it got. A lane with nothing to claim is drawn along, so that it cannot save
-- up turns while it is empty.
local function pay(lane, job, others_wait)
  local start = turn[lane]
  turn[lane] = start + num(job.cost) / WEIGHT[lane]
  for _, other in ipairs(LANES) do
    if other ~= lane and not others_wait[other] then turn[other] = math.max(turn[other], start) end
  end
end

-- Whether a running batch should drain: another key is owed more work than the skew, by the virtual
-- times of their tenants in the same lane, or by those of the lanes.
local function must_drain(fit, others)
  for _, lane in ipairs(LANES) do
    local lag = (turn[fit.lane] - turn[lane]) * WEIGHT[lane]
    if lane == fit.lane and others[lane] then lag = fit.score - others[lane].score end
    if others[lane] and lag > num(A.skew) then return true end
  end
  return false
end

-- The jobs of one place in their order; those that are chosen stay in it until all leave together.
local function line_of(lane, batch)
  return { lane = lane, pool = batch.pool, batch_key = batch.batch_key, jobs = {}, at = 1,
           passed_over = 0, chosen = {} }
end

local function read_on(line)
  if line.read then return end
  local from = #line.jobs
  local ids = call('ZRANGE', ready_key(line.lane, line.pool, line.batch_key), from, from + free - 1)
  line.read = #ids < free
  for _, id in ipairs(ids) do line.jobs[#line.jobs + 1] = load_waiting(id) or { id = id } end
end

-- The first job in line that this worker could ever hold and that its tenant may have now.
local function first_in(line, is_kept_back)
  while line.passed_over < WINDOW do
    if line.at > #line.jobs then read_on(line) end
    local job = line.jobs[line.at]
    if not job then return nil end
    if job.slots and num(job.slots) <= CAPACITY and not is_kept_back(job) then
      return { job = job, slots = num(job.slots), score = num(job.score), lane = line.lane }
    end
    line.at, line.passed_over = line.at + 1, line.passed_over + 1
  end
  return nil
end

local function fill(batch, running)
  if free <= 0 then return end
  local others = each_lane(function(lane) return best(lane, batch) end)
  local lines = each_lane(function(lane) return line_of(lane, batch) end)
  local is_kept_back = keeper(batch)
  while free > 0 do
    local own = each_lane(function(lane) return first_in(lines[lane], is_kept_back) end)
    local fit = whose_turn(own)
    if not fit or fit.slots > free or (running and must_drain(fit, others)) then break end
    local line = lines[fit.lane]
    line.at, line.chosen[#line.chosen + 1] = line.at + 1, fit.job
    choose(fit.job)
    pay(fit.lane, fit.job, each_lane(function(lane) return others[lane] or own[lane] end))
  end
  for _, lane in ipairs(LANES) do
    if lines[lane].chosen[1] then lease(lines[lane].chosen) end
  end
end

local function take_instant()
  for _ = 1, num(A.max_instant) do
    local fit = best('instant')
    if not fit then return end
    take(fit)
  end
end

local function claim_for_idle()
  local heads = each_lane(best)
  local first = whose_turn(heads)
  if first and is_solo(first.batch_key) then
    pay(first.lane, take(first), heads)
    return
  end
  take_instant()
  if first then fill(first, false) end
end

local function remember()
  local marks = {}
  for _, job in ipairs(claimed) do marks[#marks + 1] = job.id .. ':' .. job.attempt end
  call('HSET', MEMORY, 'token', A.token, 'jobs', table.concat(marks, ','))
  call('PEXPIRE', MEMORY, A.memory_ms)
  call('HSET', TURNS, 'interactive', digits(turn.interactive), 'batch', digits(turn.batch))
  call('PEXPIRE', TURNS, DAY_MS)
end

-- The same answer again, less the leases that were lost since.
local function repeated(marks)
  for _, mark in ipairs(split(marks, ',')) do
    local part = split(mark, ':')
    local job = load_waiting(part[1])
    if owns(job, part[2]) then
      call('ZADD', key('leases'), LEASE_END, job.id)
      claimed[#claimed + 1] = job
    end
  end
end

write_at_any_memory()
local known = call('HMGET', MEMORY, 'token', 'jobs')
if known[1] == A.token then
  repeated(known[2])
else
  end_overdue(OVERDUE)
  if A.batch_key == '' then
    claim_for_idle()
  elseif not is_solo(A.batch_key) then
    take_instant()
    fill({ pool = A.pool, batch_key = A.batch_key }, true)
  end
  if #claimed > 0 then remember() end
end

local rows = {}
for _, job in ipairs(claimed) do rows[#rows + 1] = describe(job) end
return rows
