-- Shared part: how jobs move between states. Every end of a job goes through `end_job`.

-- Forgets an ended job and its result.
local function forget(job)
  let_go_of_result(job)
  local request = key('request', job.tenant .. ':' .. job.request_id)
  if call('GET', request) == job.id then call('DEL', request) end
  call('DEL', key('job', job.id), key('events', job.id), key('checkpoint', job.id))
  call('ZREM', key('tenant', job.tenant), job.id)
  call('ZREM', key('dead'), job.id)
  call('ZREM', key('retained'), job.id .. '|' .. job.tenant)
end

-- Its owner wishes that nothing of it is left.
local function erase(job)
  drop_blobs(job)
  forget(job)
end

local function give_up_lease(job)
  call('ZREM', key('leases'), job.id)
  add(key('tenants'), 'running|' .. job.tenant, -1)
  spend(job)
end

-- What a run led to, as the end of a job that followed it.
local function take_part(job, leader)
  local names = { 'attempt', 'step', 'worker', 'started' }
  local values = call('HMGET', key('job', leader.id), unpack(names))
  job.source, job.attempt, job.step = result_place(leader), values[1], values[2]
  call('HSET', key('job', job.id), 'source', job.source)
  for i, name in ipairs(names) do
    if values[i] then call('HSET', key('job', job.id), name, values[i]) end
  end
end

-- Ends a job, once, and those that follow it. `payload` may hold result, error, outputs, `keep`
-- (jobs to come may have the result) and `leader` (whose run it was, if not its own); `dead` puts
-- it among the dead letters.
local function end_job(job, state, reason, payload, dead)
  local was, followers, leader = job.state, followers_of(job), payload.leader
  local keep_ms = num(dead and A.dead_retention_ms or A.retention_ms)
  if job.follows then
    stop_following(job)
  elseif was == 'QUEUED' then
    leave(job)
  else
    give_up_lease(job)
  end
  if leader then take_part(job, leader) end
  note_end(job, state, reason, payload, keep_ms)
  if job.checkpoint_step then
    call('HDEL', key('job', job.id), 'checkpoint_step')
    call('DEL', key('checkpoint', job.id))
  end
  release_blobs(job, dead and keep_ms or 0)
  emit(job, reason)
  if leader and not dead then hold_result(job, leader, keep_ms) end
  retain(job, keep_ms)
  if payload.keep then keep_result(job) end
  if dead then call('ZADD', key('dead'), NOW, job.id) end
  if is_shared(state, reason) then
    for _, id in ipairs(followers) do
      local follower = load(id)
      payload.leader = job
      if follower then end_job(follower, state, reason, payload, dead) end
    end
  elseif followers[1] then
    go_on(followers, job, was)
  end
  land(job)
  if job.erase then erase(job) end
end

local function overdue(job) return job.deadline and num(job.deadline) <= NOW end

local function cancel_job(job) end_job(job, 'CANCELLED', job.cancel, {}, false) end

local function miss_deadline(job) end_job(job, 'FAILED', 'DEADLINE_EXCEEDED', {}, false) end

local function requeue(job)
  give_up_lease(job)
  enter_again(job)
  emit(job)
  release_the_hasty(job)
  mirror(job)
end

-- An attempt ended badly: count it, and let the job run alone from now on or give it up.
local function fail_delivery(job, reason, error)
  if job.cancel then
    cancel_job(job)
    return 'CANCELLED'
  end
  if overdue(job) then
    miss_deadline(job)
    return 'EXPIRED'
  end
  job.deliveries = num(job.deliveries) + 1
  call('HSET', key('job', job.id), 'deliveries', job.deliveries, 'last_failure', reason)
  if job.deliveries >= num(A.max_deliveries) then
    end_job(job, 'FAILED', 'MAX_DELIVERIES', { error = error }, true)
    return 'DEAD'
  end
  call('HSET', key('job', job.id), 'solo', 1)
  job.solo = '1'
  requeue(job)
  return 'REQUEUED'
end

-- Fails queued jobs whose deadline has passed; returns their ids.
local function end_overdue(limit)
  local ids = call('ZRANGEBYSCORE', key('deadlines'), '-inf', NOW, 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local job = load(id)
    if job then miss_deadline(job) else call('ZREM', key('deadlines'), id) end
  end
  return ids
end
