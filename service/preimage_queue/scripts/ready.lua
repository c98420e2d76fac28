-- Shared part: the queue proper. Where a job waits, and what it adds to the sums.
--
-- Within a lane tenants share by start-time fair queueing (Goyal, Vin & Cheng 1996): a job's score
-- is its virtual start, max(v, f of its tenant), and f grows by cost / weight with each job. v is the
-- highest score claimed so far. A lane that runs empty forgets both: a busy period is over.

local function ready_key(lane, pool, batch_key)
  return key('ready', lane .. '|' .. pool .. '|' .. batch_key)
end

-- Tenants that have brought a job of this batch key, and when last.
local function present_key(of) return key('present', of.pool .. '|' .. of.batch_key) end

local function heads_key(lane, pool) return key('heads', lane .. '|' .. pool) end

local function is_solo(batch_key) return string.find(batch_key, '#solo#', 1, true) ~= nil end

-- Lane, pool and batch key at which a job waits. A solo job has a key of its own, so that it meets
-- nobody. A solo instant job may not come along with a running batch, so it waits as interactive.
local function place(job)
  if job.solo then
    local lane = job.lane == 'instant' and 'interactive' or job.lane
    return lane, job.pool, job.batch_key .. '#solo#' .. job.id
  end
  if job.lane == 'instant' then return job.lane, job.pool, 'any' end
  return job.lane, job.pool, job.batch_key
end

-- The entry of a batch key among the heads begins with the id of its first job, so that of equal
-- scores the older job comes first.
local function change_head(lane, pool, batch_key, before, first, score)
  local heads = heads_key(lane, pool)
  if before then call('ZREM', heads, before .. '|' .. batch_key) end
  if first then call('ZADD', heads, score, first .. '|' .. batch_key) end
end

local function put_in_line(lane, pool, batch_key, score, id)
  local ready = ready_key(lane, pool, batch_key)
  local before = call('ZRANGE', ready, 0, 0, 'WITHSCORES')
  call('ZADD', ready, score, id)
  local at = tonumber(before[2])
  if not at or num(score) < at or (num(score) == at and id < before[1]) then
    change_head(lane, pool, batch_key, before[1], id, score)
  end
end

local function take_out_of_line(lane, pool, batch_key, ids)
  local ready = ready_key(lane, pool, batch_key)
  local before = call('ZRANGE', ready, 0, 0)[1]
  call('ZREM', ready, unpack(ids))
  local first = call('ZRANGE', ready, 0, 0, 'WITHSCORES')
  if first[1] ~= before then
    change_head(lane, pool, batch_key, before, first[1], first[2])
  end
end

-- Id of the first job, and the batch key.
local function parts_of_head(head) return string.match(head, '^(%x+)|(.*)$') end

-- Adds jobs of one lane and pool to all sums, or takes them off; returns how many the lane has then.
-- Costs are summed up in whole thousandths, so that sums come back to exactly 0.
local function count(jobs, lane, sign)
  local sums, tenants, where = key('sums'), key('tenants'), lane .. '|' .. jobs[1].pool
  local bytes, cost, of = 0, 0, {}
  for _, job in ipairs(jobs) do
    local own = of[job.tenant] or { jobs = 0, bytes = 0 }
    own.jobs, own.bytes, of[job.tenant] = own.jobs + 1, own.bytes + num(job.bytes), own
    bytes, cost = bytes + num(job.bytes), cost + math.max(1, math.floor(num(job.cost) * 1000 + 0.5))
  end
  add(sums, 'total', sign * #jobs)
  add(sums, 'bytes', sign * bytes)
  add(sums, 'jobs|' .. where, sign * #jobs)
  add(sums, 'cost|' .. where, sign * cost)
  for tenant, own in pairs(of) do
    add(tenants, 'bytes|' .. tenant, sign * own.bytes)
    add(tenants, 'queued|' .. tenant, sign * own.jobs)
  end
  return add(sums, 'lane|' .. lane, sign * #jobs)
end

-- A job whose record says so already waits from now on.
local function stand_in_line(job)
  local lane, pool, batch_key = place(job)
  put_in_line(lane, pool, batch_key, job.score, job.id)
  call('ZADD', key('waiting', lane), MOMENT, job.id)
  if job.deadline then call('ZADD', key('deadlines'), job.deadline, job.id) end
  count({ job }, lane, 1)
end

local function enter(job, score)
  job.state, job.score = 'QUEUED', digits(score)
  call('HSET', key('job', job.id), 'state', 'QUEUED', 'score', job.score, 'queued', MOMENT)
  stand_in_line(job)
end

-- Jobs of one lane, pool and batch key leave the queue.
local function leave_together(jobs)
  local lane, pool, batch_key = place(jobs[1])
  local ids = {}
  for i, job in ipairs(jobs) do
    ids[i] = job.id
    if job.deadline then call('ZREM', key('deadlines'), job.id) end
  end
  take_out_of_line(lane, pool, batch_key, ids)
  call('ZREM', key('waiting', lane), unpack(ids))
  if count(jobs, lane, -1) == 0 then
    call('HDEL', key('virtual'), lane)
    call('DEL', key('shares', lane))
  end
end

local function leave(job) leave_together({ job }) end

-- A job that comes back waits at its old place, or first if the lane has begun to count anew.
local function enter_again(job)
  local lane = place(job)
  enter(job, math.min(num(job.score), num(call('HGET', key('virtual'), lane))))
end

local function emit(job, reason)
  local entry = { 'state', job.state, 'attempt', job.attempt, 'step', job.step or '0' }
  if reason and reason ~= '' then
    entry[#entry + 1] = 'reason'
    entry[#entry + 1] = reason
  end
  call('XADD', key('events', job.id), 'MAXLEN', '~', A.max_events, '*', unpack(entry))
end
