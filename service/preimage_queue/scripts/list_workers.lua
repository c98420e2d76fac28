-- Returns a row for each live worker.

call('ZREMRANGEBYSCORE', key('workers'), '-inf', NOW)
local holds = {}
for _, id in ipairs(call('ZRANGE', key('leases'), 0, -1)) do
  local worker = call('HGET', key('job', id), 'worker')
  holds[worker] = (holds[worker] or 0) + 1
end
local names = call('ZRANGE', key('workers'), 0, -1)
local rows = {}
for _, name in ipairs(names) do
  local flat = call('HGETALL', key('worker', name))
  if #flat > 0 then
    flat[#flat + 1] = 'running'
    flat[#flat + 1] = digits(holds[name] or 0)
    if call('EXISTS', key('drain', name)) == 1 then
      flat[#flat + 1] = 'drain'
      flat[#flat + 1] = '1'
    end
    rows[#rows + 1] = flat
  end
end
return rows
