-- Ends a job as its attempt says, if the attempt still holds it.
--
-- A: id attempt state result error reason keep (0 | 1) names_followers (0 | 1)
--    ITEMS: names of outputs
-- Returns {ACCEPTED, '', and of each follower that has a trace id, trace, created, now},
--    {REPEATED | STALE, ''} or {MISSING_OUTPUT, name}

local function said_before(job)
  if not job or job.attempt ~= A.attempt or job.state ~= A.state then return false end
  local stored = call('HMGET', key('job', A.id), 'result', 'error', 'reason', 'outputs')
  local given = { A.result, A.error, A.reason, table.concat(ITEMS, '\n') }
  for i = 1, 4 do
    if (stored[i] or '') ~= given[i] then return false end
  end
  return true
end

write_at_any_memory()
local job = load(A.id)
if not owns(job, A.attempt) then return { said_before(job) and 'REPEATED' or 'STALE', '' } end
for _, name in ipairs(ITEMS) do
  if call('EXISTS', key('output', output_place(job, name))) == 0 then return { 'MISSING_OUTPUT', name } end
end
local payload = { result = A.result, error = A.error, outputs = table.concat(ITEMS, '\n'),
                  keep = A.state == 'SUCCEEDED' and A.keep == '1' }
local answer = { 'ACCEPTED', '' }
if A.names_followers == '1' and is_shared(A.state, A.reason) then
  for _, id in ipairs(followers_of(job)) do
    local told = call('HMGET', key('job', id), 'trace', 'created')
    if told[1] then
      for _, word in ipairs({ id, told[1], told[2], digits(NOW) }) do answer[#answer + 1] = word end
    end
  end
end
end_job(job, A.state, A.reason, payload, false)
return answer
