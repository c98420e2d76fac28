-- Shared part 3 of 7: the queue proper. Where a job waits, and what it adds to the sums.
--
-- Within a lane tenants share by start-time fair queueing (Goyal, Vin & Cheng 1996): a job's score
-- is its virtual start, max(v, f of its tenant), and f grows by cost / weight with each job. v is the
-- highest score claimed so far. A lane that runs empty forgets both: a busy period is over.

local function ready_key(lane, pool, batch_key)
  return key('ready', lane .. '|' .. pool .. '|' .. batch_key)
end

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

-- Adds a job to its batch key, or removes it, and keeps the key's entry among the heads right. The
-- entry begins with the id of the first job, so that of equal scores the older job comes first.
local function change_ready(lane, pool, batch_key, command, ...)
  local ready, heads = ready_key(lane, pool, batch_key), heads_key(lane, pool)
  local before = call('ZRANGE', ready, 0, 0)[1]
  call(command, ready, ...)
  local first = call('ZRANGE', ready, 0, 0, 'WITHSCORES')
  if first[1] == before then return end
  if before then call('ZREM', heads, before .. '|' .. batch_key) end
  if first[1] then call('ZADD', heads, first[2], first[1] .. '|' .. batch_key) end
end

-- Id of the first job, and the batch key.
local function parts_of_head(head) return string.match(head, '^(%x+)|(.*)$') end

-- Costs are summed up in whole thousandths, so that sums come back to exactly 0.
local function count(job, lane, sign)
  local sums, where = key('sums'), lane .. '|' .. job.pool
  add(sums, 'total', sign)
  add_bytes(job.tenant, sign * num(job.bytes))
  add(sums, 'lane|' .. lane, sign)
  add(sums, 'jobs|' .. where, sign)
  add(sums, 'cost|' .. where, sign * math.max(1, math.floor(num(job.cost) * 1000 + 0.5)))
  add(key('tenants'), 'queued|' .. job.tenant, sign)
end

local function enter(job, score)
  local lane, pool, batch_key = place(job)
  call('HSET', key('job', job.id), 'state', 'QUEUED', 'score', digits(score), 'queued', NOW)
  job.state, job.score = 'QUEUED', digits(score)
  change_ready(lane, pool, batch_key, 'ZADD', digits(score), job.id)
  call('ZADD', key('waiting', lane), NOW, job.id)
  if job.deadline then call('ZADD', key('deadlines'), job.deadline, job.id) end
  count(job, lane, 1)
end

local function leave(job)
  local lane, pool, batch_key = place(job)
  change_ready(lane, pool, batch_key, 'ZREM', job.id)
  call('ZREM', key('waiting', lane), job.id)
  call('ZREM', key('deadlines'), job.id)
  count(job, lane, -1)
  if call('HEXISTS', key('sums'), 'lane|' .. lane) == 0 then
    call('HDEL', key('virtual'), lane)
    call('DEL', key('shares', lane))
  end
end

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
