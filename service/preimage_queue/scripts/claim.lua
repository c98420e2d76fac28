-- Leases jobs to a worker.
--
-- A: worker token free capacity pool batch_key (of the running batch, or empty) max_instant skew
--    memory_ms        ITEMS: pools, sorted
-- Returns a list of rows.

local LANES = { 'interactive', 'batch' }
local WEIGHT = { interactive = num(A.interactive_weight), batch = num(A.batch_weight) }
local WINDOW = 32 -- how far to look past jobs and keys that do not fit; bounds the work
local OVERDUE = 64 -- deadlines to settle on the way; the reaper does the rest
local DAY_MS = 86400000
local CLAIMED = {
  'attempt', 'tenant', 'lane', 'pool', 'slots', 'cost', 'deliveries', 'created', 'queued', 'started',
  'deadline', 'checkpoint_step', 'spec', 'blobs', 'model', 'layer',
}

local MEMORY = key('claim', A.worker)
local free = num(A.free)
-- All that an idle worker has is free. If it has less than its capacity, it has shrunk.
local CAPACITY = A.batch_key == '' and math.min(free, num(A.capacity)) or num(A.capacity)
local claimed = {}

-- The lanes' own virtual times, for all workers that serve the same pools.
local TURNS = key('turns', redis.sha1hex(table.concat(ITEMS, '|')))
local turn = {}
do
  local values = call('HMGET', TURNS, unpack(LANES))
  for i, lane in ipairs(LANES) do turn[lane] = num(values[i]) end
end

local function describe(job)
  local flat = row(job.id, CLAIMED)
  local _, _, batch_key = place(job)
  for _, value in ipairs({ 'batch_key', batch_key, 'lease', digits(NOW + num(A.lease_ms)),
                           'now', digits(NOW) }) do
    flat[#flat + 1] = value
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

local function take(fit)
  local job = load(fit.id)
  if fit.score > num(call('HGET', key('virtual'), fit.lane)) then
    call('HSET', key('virtual'), fit.lane, digits(fit.score))
  end
  leave(job)
  job.state, job.attempt = 'RUNNING', digits(num(job.attempt) + 1)
  call('HSET', key('job', job.id), 'state', job.state, 'attempt', job.attempt, 'started', NOW,
       'worker', A.worker, 'event_step', -1)
  call('ZADD', key('leases'), NOW + num(A.lease_ms), job.id)
  add(key('tenants'), 'running|' .. job.tenant, 1)
  emit(job)
  mirror(job)
  free = free - fit.slots
  claimed[#claimed + 1] = job
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

local function fill(batch, running)
  if free <= 0 then return end
  local others = each_lane(function(lane) return best(lane, batch) end)
  while free > 0 do
    local own = each_lane(function(lane) return first_fit(lane, batch.pool, batch.batch_key) end)
    local fit = whose_turn(own)
    if not fit or fit.slots > free or (running and must_drain(fit, others)) then return end
    local wait = each_lane(function(lane) return others[lane] or own[lane] end)
    pay(fit.lane, take(fit), wait)
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
    local job = load(part[1])
    if owns(job, part[2]) then
      call('ZADD', key('leases'), NOW + num(A.lease_ms), job.id)
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
