-- Shared part: arguments, the clock, small tools.
--
-- Keys are described in keys.py. KEYS[1] is the root of all of them. ARGV is the number of named
-- arguments, then their names and values, then a list:
--   A.<name>   named arguments, as strings
--   ITEMS      the list
-- All times are milliseconds of Redis' clock. Nothing here trusts another one.

local call = redis.call

local A, ITEMS = {}, {}
do
  local given = ARGV
  local named = 2 * tonumber(given[1])
  for i = 2, named, 2 do A[given[i]] = given[i + 1] end
  for i = named + 2, #given do ITEMS[i - named - 1] = given[i] end
end

-- A missing or empty value counts as 0.
local function num(value) return tonumber(value or '') or 0 end

-- Seventeen digits bring every double back exactly; Lua's own conversion keeps fourteen. Whole numbers
-- are most of them, and take a third of the time as such.
local function digits(value)
  return string.format(value % 1 == 0 and math.abs(value) < 2 ^ 53 and '%d' or '%.17g', value)
end

local ROOT = KEYS[1] .. ':'

local function key(kind, name)
  if name == nil then return ROOT .. kind end
  return ROOT .. kind .. ':' .. name
end

-- As a number, and as Redis gets it: turning one into the other costs as much as a small command.
local NOW, MOMENT
do
  local time = call('TIME')
  NOW = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  NOW = NOW + num(call('GET', key('clock_offset')))
  MOMENT = digits(NOW)
end

local function split(text, separator)
  local parts = {}
  for part in string.gmatch(text or '', '[^' .. separator .. ']+') do parts[#parts + 1] = part end
  return parts
end

-- At its memory limit Redis refuses a script only if its first write may use memory. Jobs must be
-- able to end even then, or nothing would ever free memory: scripts that settle begin with this.
local function write_at_any_memory() call('DEL', key('nothing')) end

-- Adds to a counter and drops it at 0, so that an empty queue leaves no key. Returns what it is then.
local function add(hash, field, delta)
  if delta == 0 then return nil end
  local now = call('HINCRBY', hash, field, digits(delta))
  if now == 0 then call('HDEL', hash, field) end
  return now
end

-- Never shortens a life that somebody else relies on.
local function live_on(name, life_ms)
  if call('PTTL', name) < life_ms then call('PEXPIRE', name, digits(life_ms)) end
end

-- Bytes that wait count twice: for the whole queue, and for their tenant.
local function add_bytes(tenant, delta)
  add(key('sums'), 'bytes', delta)
  add(key('tenants'), 'bytes|' .. tenant, delta)
end

-- Every scheduling field of a job, or nil if there is no such job. Written out, because a table of
-- known size is filled in a third of the time of one that grows.
local function load(id)
  local v = call('HMGET', key('job', id), 'state', 'attempt', 'tenant', 'request_id', 'fingerprint',
                 'lane', 'pool', 'batch_key', 'slots', 'cost', 'score', 'bytes', 'blobs', 'deadline',
                 'deliveries', 'solo', 'step', 'cancel', 'erase', 'handed', 'outputs', 'written',
                 'computation', 'follows', 'source', 'via', 'started', 'checkpoint_step',
                 'unmetered')
  if not v[1] then return nil end
  return {
    id = id, state = v[1], attempt = v[2], tenant = v[3], request_id = v[4], fingerprint = v[5],
    lane = v[6], pool = v[7], batch_key = v[8], slots = v[9], cost = v[10], score = v[11],
    bytes = v[12], blobs = v[13], deadline = v[14], deliveries = v[15], solo = v[16], step = v[17],
    cancel = v[18], erase = v[19], handed = v[20], outputs = v[21], written = v[22],
    computation = v[23], follows = v[24], source = v[25], via = v[26], started = v[27],
    checkpoint_step = v[28], unmetered = v[29],
  }
end

-- A key that was lost to somebody outside is left out.
local function load_all(ids)
  local jobs = {}
  for _, id in ipairs(ids) do jobs[#jobs + 1] = load(id) end
  return jobs
end

-- The tenant's own job, or nil: another tenant's job is as good as none.
local function load_of(id, tenant)
  local job = load(id)
  if job and job.tenant == tenant then return job end
  return nil
end

local function ended(job) return job.state ~= 'QUEUED' and job.state ~= 'RUNNING' end

-- The fence: only the attempt that was claimed last may write, and only while it runs.
local function owns(job, attempt)
  return job ~= nil and job.state == 'RUNNING' and job.attempt == attempt
end
