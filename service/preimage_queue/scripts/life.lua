-- Shared part 4 of 4: how jobs move between states. Every end of a job goes through `end_job`.

local SLACK_MS = 3600000 -- `reap` forgets on time; Redis' own expiry is the net below it

local function emit(job, reason)
  local entry = { 'state', job.state, 'attempt', job.attempt, 'step', job.step or '0' }
  if reason and reason ~= '' then
    entry[#entry + 1] = 'reason'
    entry[#entry + 1] = reason
  end
  call('XADD', key('events', job.id), 'MAXLEN', '~', A.max_events, '*', unpack(entry))
end

local function output_place(job, name) return job.id .. ':' .. job.attempt .. ':' .. name end

-- Removes what attempts have written; with `accepted`, all but the outputs that the end has named.
local function drop_outputs(job, accepted)
  for _, place_of in ipairs(split(job.written, '\n')) do
    if not (accepted and accepted[place_of]) then call('DEL', key('output', place_of)) end
  end
end

-- Forgets a job and what only it had.
local function erase(job)
  drop_outputs(job)
  drop_blobs(job)
  local request = key('request', job.tenant .. ':' .. job.request_id)
  if call('GET', request) == job.id then call('DEL', request) end
  call('DEL', key('job', job.id), key('events', job.id), key('checkpoint', job.id))
  call('ZREM', key('tenant', job.tenant), job.id)
  call('ZREM', key('dead'), job.id)
  call('ZREM', key('retained'), job.id .. '|' .. job.tenant)
end

local function retain(job, keep_ms)
  call('HSET', key('job', job.id), 'expires', NOW + keep_ms)
  call('ZADD', key('retained'), NOW + keep_ms, job.id .. '|' .. job.tenant)
  for _, name in ipairs({ key('job', job.id), key('events', job.id),
                          key('request', job.tenant .. ':' .. job.request_id) }) do
    call('PEXPIRE', name, keep_ms + SLACK_MS)
  end
  local accepted = {}
  for _, name in ipairs(split(job.outputs, '\n')) do
    accepted[output_place(job, name)] = true
    call('PEXPIRE', key('output', output_place(job, name)), keep_ms + SLACK_MS)
  end
  drop_outputs(job, accepted)
end

local function give_up_lease(job)
  call('ZREM', key('leases'), job.id)
  add(key('tenants'), 'running|' .. job.tenant, -1)
end

-- Ends a job, once. `payload` may hold result, error and outputs; `dead` puts it among the dead
-- letters.
local function end_job(job, state, reason, payload, dead)
  if job.state == 'QUEUED' then leave(job) else give_up_lease(job) end
  local keep_ms = num(dead and A.dead_retention_ms or A.retention_ms)
  job.state, job.outputs = state, payload.outputs
  call('HSET', key('job', job.id), 'state', state, 'finished', NOW)
  for name, value in pairs({ reason = reason, result = payload.result, error = payload.error,
                             outputs = payload.outputs }) do
    if value ~= '' then call('HSET', key('job', job.id), name, value) end
  end
  call('DEL', key('checkpoint', job.id))
  call('HDEL', key('job', job.id), 'checkpoint_step')
  release_blobs(job, keep_ms)
  emit(job, reason)
  retain(job, keep_ms)
  if dead then call('ZADD', key('dead'), NOW, job.id) end
  if job.erase then erase(job) end
end

local function overdue(job) return job.deadline and num(job.deadline) <= NOW end

local function cancel_job(job) end_job(job, 'CANCELLED', job.cancel, {}, false) end

local function miss_deadline(job) end_job(job, 'FAILED', 'DEADLINE_EXCEEDED', {}, false) end

local function requeue(job)
  give_up_lease(job)
  enter_again(job)
  emit(job)
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
