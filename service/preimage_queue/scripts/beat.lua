-- Renews leases, publishes progress, brings back cancellations: one round trip for a whole batch.
--
-- A: worker        ITEMS: id attempt step event, for each job
-- Returns verdict, reason, for each job.

-- No more of a job than a beat needs: beats are what a busy queue does most.
local function look(id)
  local values = call('HMGET', key('job', id), 'state', 'attempt', 'cancel', 'step')
  return { state = values[1], attempt = values[2], cancel = values[3], step = values[4] }
end

write_at_any_memory()
local answer = {}
for i = 1, #ITEMS, 4 do
  local id, attempt, step, event = ITEMS[i], ITEMS[i + 1], ITEMS[i + 2], ITEMS[i + 3]
  local job = look(id)
  local verdict, reason = 'LOST', ''
  if owns(job, attempt) then
    verdict, reason = job.cancel and 'CANCEL' or 'OK', job.cancel or ''
    call('ZADD', key('leases'), NOW + num(A.lease_ms), id)
    if job.step ~= step then call('HSET', key('job', id), 'step', step) end
    -- A beat that is repeated brings its event again: the step tells.
    if event ~= '' and num(step) > num(call('HGET', key('job', id), 'event_step')) then
      call('XADD', key('events', id), 'MAXLEN', '~', A.max_events, '*', 'attempt', attempt,
           'step', step, 'event', event)
      call('HSET', key('job', id), 'event_step', step)
    end
  end
  answer[#answer + 1] = verdict
  answer[#answer + 1] = reason
end
return answer
