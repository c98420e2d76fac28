-- Gives jobs back to the queue, or to the dead letters.
--
-- A: mode (SILENT | FAIL | FATAL) reason error        ITEMS: id attempt, for each job
-- Returns REQUEUED | DEAD | EXPIRED | CANCELLED | STALE, for each job.

local function settle(job)
  if A.mode == 'FATAL' then
    call('HSET', key('job', job.id), 'last_failure', A.reason)
    end_job(job, 'FAILED', A.reason, { error = A.error }, true)
    return 'DEAD'
  end
  if A.mode == 'FAIL' then return fail_delivery(job, A.reason, A.error) end
  if job.cancel then
    cancel_job(job)
    return 'CANCELLED'
  end
  requeue(job)
  return 'REQUEUED'
end

-- The answer is kept on the job, for a worker that did not get it.
local function answer(id, attempt)
  local job = load(id)
  local mark = attempt .. ' ' .. A.mode .. ' '
  if owns(job, attempt) then
    local verdict = settle(job)
    if call('EXISTS', key('job', id)) == 1 then
      call('HSET', key('job', id), 'handed', mark .. verdict)
    end
    return verdict
  end
  local handed = job and job.handed or ''
  if string.sub(handed, 1, #mark) == mark then return string.sub(handed, #mark + 1) end
  return 'STALE'
end

write_at_any_memory()
local answers = {}
for i = 1, #ITEMS, 2 do answers[#answers + 1] = answer(ITEMS[i], ITEMS[i + 1]) end
return answers
