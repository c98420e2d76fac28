-- Shared part: a job as a caller gets it.

-- A row for the caller: name, value, name, value, without what is not set.
local LISTED = {
  'tenant', 'request_id', 'fingerprint', 'lane', 'pool', 'batch_key', 'slots', 'cost', 'model',
  'layer', 'state', 'attempt', 'deliveries', 'solo', 'step', 'worker', 'cancel', 'reason',
  'last_failure', 'outputs', 'bytes', 'created', 'queued', 'started', 'finished', 'deadline',
  'expires', 'follows', 'source', 'via',
}

-- A job that follows another one shows how far that one is.
local OF_THE_RUN = { attempt = true, step = true, worker = true, started = true }

local function row(id, names)
  local values, of_leader = call('HMGET', key('job', id), unpack(names)), {}
  for i, name in ipairs(names) do
    if name == 'follows' and values[i] then
      of_leader = call('HMGET', key('job', values[i]), unpack(names))
    end
  end
  local flat = { 'id', id }
  for i, name in ipairs(names) do
    local value = OF_THE_RUN[name] and of_leader[i] or values[i]
    if value then
      flat[#flat + 1] = name
      flat[#flat + 1] = value
    end
  end
  return flat
end
