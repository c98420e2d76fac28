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

-- Two streams may have events of the same id. So none is told before its millisecond is over, when
-- no other can come before it, and equal ones are told together.
local function merged(own, theirs)
  local time, all = call('TIME'), {}
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) .. '-0'
  for _, entries in ipairs({ own, theirs }) do
    for _, entry in ipairs(entries) do
      if is_before(entry[1], now) then all[#all + 1] = entry end
    end
  end
  table.sort(all, function(a, b) return is_before(a[1], b[1]) end)
  local answer = {}
  for i, entry in ipairs(all) do
    if i > COUNT and entry[1] ~= all[i - 1][1] then break end
    answer[i] = entry
  end
  return answer, #all > #answer
end

local job = load_of(A.id, A.tenant)
if not job then return false end
local own = key('events', A.id)
local from = A.after == '' and '-' or '(' .. A.after
local entries = call('XRANGE', own, from, '+', 'COUNT', COUNT)
local more = #entries == COUNT
local first = job.follows and call('XRANGE', own, '-', '+', 'COUNT', 1)[1]
if first then
  local after = A.after == '' and first[1] or A.after
  local theirs = progress_of(job.follows, after, first[1])
  more = more or #theirs == COUNT
  local is_cut
  entries, is_cut = merged(entries, theirs)
  more = #entries > 0 and (more or is_cut)
end
return { entries, row(A.id, LISTED), more and 1 or 0 }
