-- Shared part: outputs, and results that outlive the job that computed them.
--
-- Outputs lie where the attempt wrote them. A job that got its result from another one's run holds
-- them there: `source` names the place, and `holders:<source>` all ended jobs that hold it. They go
-- with the last of them.

local SLACK_MS = 3600000 -- `reap` forgets on time; Redis' own expiry is the net below it

local function result_place(job) return job.source or job.id .. ':' .. job.attempt end

local function output_place(job, name) return result_place(job) .. ':' .. name end

local function cached_key(job) return key('cached', job.tenant .. ':' .. job.computation) end

-- Removes what attempts have written; with `accepted`, all but the outputs that the end has named.
local function drop_outputs(job, accepted)
  for _, place_of in ipairs(split(job.written, '\n')) do
    if not (accepted and accepted[place_of]) then call('DEL', key('output', place_of)) end
  end
end

-- Keeps the outputs of an ended job as long as its record, and drops the rest.
local function retain_outputs(job, keep_ms)
  local accepted = {}
  for _, name in ipairs(split(job.outputs, '\n')) do
    local place_of = output_place(job, name)
    accepted[place_of] = true
    if job.source then
      live_on(key('output', place_of), keep_ms + SLACK_MS)
    else
      call('PEXPIRE', key('output', place_of), keep_ms + SLACK_MS)
    end
  end
  drop_outputs(job, accepted)
end

-- An ended job holds the result of another one from now on.
local function hold_result(job, owner, keep_ms)
  local holders = key('holders', job.source)
  call('ZADD', holders, 0, owner.id, 0, job.id)
  live_on(holders, keep_ms + SLACK_MS)
end

-- A forgotten job lets go of its result. If others hold it, the newest of them stands for it.
local function let_go_of_result(job)
  local holders = key('holders', result_place(job))
  call('ZREM', holders, job.id)
  local heir = call('ZREVRANGE', holders, 0, 0)[1]
  if not heir then
    drop_outputs(job)
    for _, name in ipairs(split(job.outputs, '\n')) do
      call('DEL', key('output', output_place(job, name)))
    end
  end
  if job.computation and call('GET', cached_key(job)) == job.id then
    if heir then
      call('SET', cached_key(job), heir, 'KEEPTTL')
    else
      call('DEL', cached_key(job))
      for _, digest in ipairs(split(job.blobs, ',')) do
        call('SREM', key('known', blob_name(job, digest)), job.computation)
      end
    end
  end
end

-- Lets jobs to come have the result of a run that has just ended. That its inputs were here tells
-- `room` that there may be one.
local function keep_result(job)
  if not job.computation or num(A.cache_ms) == 0 then return end
  call('HSET', key('job', job.id), 'computed', NOW)
  if job.source then return end
  call('SET', cached_key(job), job.id, 'PX', A.cache_ms)
  for _, digest in ipairs(split(job.blobs, ',')) do
    local known = key('known', blob_name(job, digest))
    call('SADD', known, job.computation)
    live_on(known, num(A.cache_ms))
  end
end

local function result_kept_by(id, new)
  local job = load_of(id, new.tenant)
  if not job or job.state ~= 'SUCCEEDED' then return nil end
  local times = call('HMGET', key('job', id), 'computed', 'expires')
  if math.min(num(times[1]) + num(A.cache_ms), num(times[2])) <= NOW then return nil end
  for _, name in ipairs(split(job.outputs, '\n')) do
    if call('EXISTS', key('output', output_place(job, name))) == 0 then return nil end
  end
  return job
end

-- The ended job whose result a new job may have, or nil.
local function kept_result(new)
  local id = call('GET', cached_key(new))
  return id and result_kept_by(id, new) or nil
end

local function note_end(job, state, reason, payload, keep_ms)
  job.state, job.outputs = state, payload.outputs
  local flat = { 'state', state, 'finished', MOMENT, 'expires', digits(NOW + keep_ms) }
  local size = #flat
  local function also(name, value)
    if value and value ~= '' then flat[size + 1], flat[size + 2], size = name, value, size + 2 end
  end
  also('reason', reason)
  also('result', payload.result)
  also('error', payload.error)
  also('outputs', payload.outputs)
  call('HSET', key('job', job.id), unpack(flat))
end

local function retain(job, keep_ms)
  call('ZADD', key('retained'), digits(NOW + keep_ms), job.id .. '|' .. job.tenant)
  local life_ms = digits(keep_ms + SLACK_MS)
  call('PEXPIRE', key('job', job.id), life_ms)
  call('PEXPIRE', key('events', job.id), life_ms)
  call('PEXPIRE', key('request', job.tenant .. ':' .. job.request_id), life_ms)
  retain_outputs(job, keep_ms)
end
