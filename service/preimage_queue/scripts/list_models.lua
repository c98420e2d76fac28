-- Returns name, info, for each published model.

call('ZREMRANGEBYSCORE', key('models'), '-inf', NOW)
local names = call('ZRANGE', key('models'), 0, -1)
local flat = {}
for _, name in ipairs(names) do
  local info = call('GET', key('model', name))
  if info then
    flat[#flat + 1] = name
    flat[#flat + 1] = info
  end
end
return flat
