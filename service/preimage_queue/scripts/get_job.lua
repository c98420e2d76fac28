-- A: id tenant
-- Returns a row with spec, result and error, or nil

if not load_of(A.id, A.tenant) then return false end
local names = { 'spec', 'result', 'error' }
for _, name in ipairs(LISTED) do names[#names + 1] = name end
return row(A.id, names)
