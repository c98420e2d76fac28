-- Shared part: jobs of one tenant with equal computations share one run.
--
-- One of them is in the queue or has a lease, and leads. The others follow it: they wait nowhere,
-- take no slot, have the state of their leader and get its end. `flight:<tenant>:<computation>`
-- names the leader that newcomers may follow. Jobs with a deadline do neither: a deadline cuts a
-- run short, and whoever follows a run could not have at its own deadline what there is by then.

local MOST_FOLLOWERS = 256 -- bounds the work of each of their leader's steps

local function flight_key(job) return key('flight', job.tenant .. ':' .. job.computation) end

local function followers_of(leader)
  if not leader.computation then return {} end
  return call('ZRANGE', key('followers', leader.id), 0, -1)
end

-- Workers of an earlier version would leave followers waiting for ever.
local function lead(job)
  if job.computation and not job.deadline and serving(job.pool).twins then
    call('SET', flight_key(job), job.id)
  end
end

-- Nobody may follow a job that has ended.
local function land(job)
  if job.computation and call('GET', flight_key(job)) == job.id then
    call('DEL', flight_key(job))
  end
end

local function tally(job, sign)
  add(key('tenants'), string.lower(job.state) .. '|' .. job.tenant, sign)
end

local function follow(job, leader)
  local before = job.state
  call('HSET', key('job', job.id), 'follows', leader.id, 'state', leader.state)
  call('ZADD', key('followers', leader.id), 0, job.id)
  job.follows, job.state, job.attempt = leader.id, leader.state, leader.attempt
  tally(job, 1)
  if before ~= job.state then emit(job) end
end

local function stop_following(job)
  call('ZREM', key('followers', job.follows), job.id)
  call('HDEL', key('job', job.id), 'follows')
  tally(job, -1)
  job.follows = false
end

local function tell_followers(ids, leader)
  for _, job in ipairs(load_all(ids)) do
    tally(job, -1)
    follow(job, leader)
  end
end

-- Tells the followers of a job that its state has changed.
local function mirror(leader)
  local ids = followers_of(leader)
  if ids[1] then tell_followers(ids, leader) end
end

-- The place that a job had in the queue, for one that goes on in its stead: paid for already.
local function place_left(job, leader, was)
  local lane = place(job)
  local now = num(call('HGET', key('virtual'), lane))
  if place(leader) ~= lane then return now end
  if was == 'RUNNING' then return math.min(num(leader.score), now) end
  local is_empty = call('HEXISTS', key('sums'), 'lane|' .. lane) == 0
  return is_empty and now or num(leader.score)
end

-- Followers go on without their leader: the first of them leads the others, with the failures
-- counted so far, since they were failures of the same work. Batch jobs come behind those that
-- somebody waits for.
local function go_on(ids, leader, was)
  local jobs, chosen = load_all(ids), nil
  for _, job in ipairs(jobs) do
    stop_following(job)
    if not chosen or (chosen.lane == 'batch' and job.lane ~= 'batch') then chosen = job end
  end
  if not chosen then return end
  chosen.deliveries, chosen.solo = leader.deliveries, leader.solo
  call('HSET', key('job', chosen.id), 'deliveries', chosen.deliveries)
  if chosen.solo then call('HSET', key('job', chosen.id), 'solo', 1) end
  enter(chosen, place_left(chosen, leader, was))
  emit(chosen)
  for _, job in ipairs(jobs) do
    if job ~= chosen then follow(job, chosen) end
  end
  local at = call('GET', flight_key(chosen))
  if not at or at == leader.id then lead(chosen) end
end

-- A batch job that waits again must not make others wait as long.
local function release_the_hasty(leader)
  if leader.lane ~= 'batch' then return end
  local hasty = {}
  for _, id in ipairs(followers_of(leader)) do
    if call('HGET', key('job', id), 'lane') ~= 'batch' then hasty[#hasty + 1] = id end
  end
  go_on(hasty, leader, 'RUNNING')
end

-- A job that waits leaves the queue and follows a newcomer, with all that follow it.
local function step_back(old, new)
  leave(old)
  for _, job in ipairs(load_all(followers_of(old))) do
    stop_following(job)
    follow(job, new)
  end
  follow(old, new)
end

-- Whether the end of a run is that of all who wait for it. A wish to cancel is one job's own, and
-- so is a deadline.
local function is_shared(state, reason)
  return state ~= 'CANCELLED' and reason ~= 'DEADLINE_EXCEEDED'
end
