-- A: id tenant name offset length (-1 for all)
-- Returns {data, size of the whole} or nil

local job = load_of(A.id, A.tenant)
if not job then return false end
for _, name in ipairs(split(job.outputs, '\n')) do
  local stored = key('output', output_place(job, name))
  if name == A.name and call('EXISTS', stored) == 1 then
    local first, length = num(A.offset), num(A.length)
    local data = ''
    if length ~= 0 then
      data = call('GETRANGE', stored, first, length < 0 and -1 or first + length - 1)
    end
    return { data, call('STRLEN', stored) }
  end
end
return false
