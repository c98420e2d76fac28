-- Cancels a job that waits or follows another one, or asks the worker of a running one to stop.
--
-- A: id tenant reason
-- Returns {CANCELLED | REQUESTED | ENDED | NOT_FOUND, state or ''}

write_at_any_memory()
local job = load_of(A.id, A.tenant)
if not job then return { 'NOT_FOUND', '' } end
if ended(job) then return { job.state == 'CANCELLED' and 'CANCELLED' or 'ENDED', job.state } end
if not job.cancel then -- the first reason stays
  job.cancel = A.reason
  call('HSET', key('job', A.id), 'cancel', A.reason)
end
if job.state == 'RUNNING' and not job.follows then return { 'REQUESTED', job.state } end
cancel_job(job)
return { 'CANCELLED', job.state }
