-- A: id tenant after count
-- Returns {entries, row, whether there may be more} or nil

if not load_of(A.id, A.tenant) then return false end
local from = A.after == '' and '-' or '(' .. A.after
local entries = call('XRANGE', key('events', A.id), from, '+', 'COUNT', A.count)
return { entries, row(A.id, LISTED), #entries == num(A.count) and 1 or 0 }
