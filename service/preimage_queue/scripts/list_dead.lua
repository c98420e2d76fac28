-- Dead letters, newest first.
--
-- A: limit cursor ("<when> <id>" of the last one seen, or empty)
-- Returns {rows, cursor}

local DEAD = key('dead')
local seen = split(A.cursor, ' ')
local from = seen[1] or '+inf'
local rows, last, scanned = {}, nil, 0

-- Letters of the same moment come in the order of their ids, downwards; skip those already seen.
local offset = 0
while #rows < num(A.limit) and scanned < 10000 do
  local page = call('ZREVRANGEBYSCORE', DEAD, from, '-inf', 'WITHSCORES', 'LIMIT', offset, A.limit)
  if #page == 0 then break end
  for i = 1, #page, 2 do
    scanned = scanned + 1
    local is_new = not seen[2] or tonumber(page[i + 1]) < tonumber(seen[1]) or page[i] < seen[2]
    if is_new and #rows < num(A.limit) then
      last = page[i + 1] .. ' ' .. page[i]
      if call('EXISTS', key('job', page[i])) == 1 then rows[#rows + 1] = row(page[i], LISTED) end
    end
  end
  offset = offset + num(A.limit)
end
return { rows, #rows == num(A.limit) and last or '' }
