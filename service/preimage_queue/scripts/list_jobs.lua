-- A: tenant limit cursor        ITEMS: states; none for all
-- Returns {rows, cursor, total, queued, running}

local LIST = key('tenant', A.tenant)
local wanted = {}
for _, state in ipairs(ITEMS) do wanted[state] = true end

local from = A.cursor == '' and '+' or '(' .. A.cursor
local ids = call('ZREVRANGEBYLEX', LIST, from, '-', 'LIMIT', 0, A.limit)
local rows = {}
for _, id in ipairs(ids) do
  local state = call('HGET', key('job', id), 'state')
  if state and (#ITEMS == 0 or wanted[state]) then rows[#rows + 1] = row(id, LISTED) end
end
local cursor = #ids == num(A.limit) and ids[#ids] or ''
local counts = call('HMGET', key('tenants'), 'queued|' .. A.tenant, 'running|' .. A.tenant)
return { rows, cursor, call('ZCARD', LIST), num(counts[1]), num(counts[2]) }
