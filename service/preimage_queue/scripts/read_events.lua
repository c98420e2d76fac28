-- A: id tenant after count
-- Returns {entries, row, whether there may be more} or nil
--
-- Of a job that follows another one, the progress comes out of the other one's stream.

local COUNT = num(A.count)

-- Ids are times of Redis' clock, so those of two streams can be compared.
local function is_before(a, b)
  local left, right = split(a, '-'), split(b, '-')
  if left[1] ~= right[1] then return num(left[1]) < num(right[1]) end
  return num(left[2]) < num(right[2])
end

local function is_progress(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'event' then return true end
  end
  return false
end

-- Progress of the leader, from the beginning of the job's own stream on.
local function progress_of(leader, after, first)
  local found, from = {}, is_before(after, first) and first or after
  repeat
    local page = call('XRANGE', key('events', leader), '(' .. from, '+', 'COUNT', COUNT)
    for _, entry in ipairs(page) do
      from = entry[1]
      if is_progress(entry) and #found < COUNT then found[#found + 1] = entry end
    end
  until #page < COUNT or #found == COUNT
  return found
end

local job = load_of(A.id, A.tenant)
if not job then return false end
local own = key('events', A.id)
local from = A.after == '' and '-' or '(' .. A.after
local entries = call('XRANGE', own, from, '+', 'COUNT', COUNT)
local first = job.follows and call('XRANGE', own, '-', '+', 'COUNT', 1)[1]
if first then
  local after = A.after == '' and first[1] or A.after
  for _, entry in ipairs(progress_of(job.follows, after, first[1])) do
    entries[#entries + 1] = entry
  end
  table.sort(entries, function(a, b) return is_before(a[1], b[1]) end)
end
local answer = {}
for i = 1, math.min(#entries, COUNT) do answer[i] = entries[i] end
return { answer, row(A.id, LISTED), #entries >= COUNT and 1 or 0 }
