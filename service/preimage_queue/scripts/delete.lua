-- Removes a job and all that it had; a running one when it ends.
--
-- A: id tenant token
-- Returns DELETED | SCHEDULED | NOT_FOUND

local TOMBSTONE_MS = 60000 -- longer than any repetition takes

write_at_any_memory()
local tombstone = key('deleted', A.id)
if call('GET', tombstone) == A.token then return 'DELETED' end
local job = load_of(A.id, A.tenant)
if not job then return 'NOT_FOUND' end
if job.state == 'RUNNING' and not job.follows then
  call('HSET', key('job', A.id), 'erase', 1)
  if not job.cancel then call('HSET', key('job', A.id), 'cancel', 'DELETED') end
  return 'SCHEDULED'
end
if not ended(job) then
  job.cancel = 'DELETED'
  cancel_job(job)
end
erase(job)
call('SET', tombstone, A.token, 'PX', TOMBSTONE_MS)
return 'DELETED'
