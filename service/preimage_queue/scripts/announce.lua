-- Registers a worker for a while.
--
-- A: worker slots rate pools info worker_ttl_ms model_ttl_ms        ITEMS: models
-- Returns {whether to leave, models that are not known}

write_at_any_memory()
local WORKER = key('worker', A.worker)
local gone = NOW + num(A.worker_ttl_ms)

local before = {}
for _, pool in ipairs(split(call('HGET', WORKER, 'pools') or '', '|')) do
  before[pool] = call('HGET', key('serving', pool), A.worker)
  call('HDEL', key('serving', pool), A.worker)
end

-- The summary of a pool: for the most part one worker has come or has another rate. `first` errs on the
-- early side; when it has passed, one announcement sums up anew and removes who has fallen silent.
local function tell(pool)
  local capacity = key('capacity', pool)
  local kept = call('HMGET', capacity, 'first', 'count', 'rate', 'widest')
  local was, count = split(before[pool], ' '), call('HLEN', key('serving', pool))
  local summed = count - (was[2] and 0 or 1) -- a newcomer is not in the summary yet
  if (not was[2] or was[2] == A.slots) and num(kept[1]) > NOW and num(kept[2]) == summed then
    call('HSET', capacity, 'count', count, 'widest', math.max(num(kept[4]), num(A.slots)),
         'rate', digits(num(kept[3]) + num(A.rate) - num(was[3])))
  else
    local all = sum_up(pool)
    if all.gone[1] then call('HDEL', key('serving', pool), unpack(all.gone)) end
    call('HSET', capacity, 'first', digits(all.first), 'count', all.count,
         'rate', digits(all.rate), 'widest', all.widest, 'twins', all.twins and 1 or 0)
  end
  call('PEXPIRE', capacity, A.worker_ttl_ms)
end

for _, pool in ipairs(split(A.pools, '|')) do
  call('HSET', key('serving', pool), A.worker,
       digits(gone) .. ' ' .. A.slots .. ' ' .. A.rate .. ' twins')
  call('PEXPIRE', key('serving', pool), A.worker_ttl_ms)
  tell(pool)
end
call('HSET', WORKER, 'name', A.worker, 'slots', A.slots, 'rate', A.rate, 'pools', A.pools,
     'info', A.info, 'announced', NOW)
call('PEXPIRE', WORKER, A.worker_ttl_ms)
call('ZADD', key('workers'), gone, A.worker)
call('PEXPIRE', key('workers'), A.worker_ttl_ms)

local unknown = {}
for _, name in ipairs(ITEMS) do
  if call('PEXPIRE', key('model', name), A.model_ttl_ms) == 1 then
    call('ZADD', key('models'), NOW + num(A.model_ttl_ms), name)
    call('PEXPIRE', key('models'), A.model_ttl_ms)
  else
    unknown[#unknown + 1] = name
  end
end
-- 1 if the key is there: whoever leaves may take hours, as an auditor does that finishes its audit.
return { call('PEXPIRE', key('drain', A.worker), DRAIN_MS), unknown }
