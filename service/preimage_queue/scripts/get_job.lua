-- A: id tenant
-- Returns a row with spec, result, error and the newest progress event, or nil

local LOOK_BACK = 8 -- changes of state may stand behind it, but hardly more than these

local function newest_event(id)
  for _, entry in ipairs(call('XREVRANGE', key('events', id), '+', '-', 'COUNT', LOOK_BACK)) do
    local fields = entry[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'event' then return fields[i + 1] end
    end
  end
  return nil
end

local job = load_of(A.id, A.tenant)
if not job then return false end
local names = { 'spec', 'result', 'error' }
for _, name in ipairs(LISTED) do names[#names + 1] = name end
local flat, event = row(A.id, names), newest_event(job.follows or A.id)
if event then
  flat[#flat + 1] = 'event'
  flat[#flat + 1] = event
end
return flat
