-- Queues a dead letter again, to run alone, with no failure counted and no deadline.
--
-- A: id
-- Returns REQUEUED | MISSING_BLOB | NOT_FOUND

local job = load(A.id)
if job and job.state == 'QUEUED' and job.handed == 'requeued' then return 'REQUEUED' end
if not job or not call('ZSCORE', key('dead'), A.id) then return 'NOT_FOUND' end
local blobs, missing = look_at_blobs(job)
if missing then return 'MISSING_BLOB' end

call('HSET', key('job', A.id), 'deliveries', 0, 'solo', 1, 'handed', 'requeued')
call('HDEL', key('job', A.id), 'reason', 'result', 'error', 'finished', 'expires', 'cancel',
     'deadline', 'source', 'via')
no_longer_want(job, job.id)
hold_blobs(job, blobs)
for _, name in ipairs({ key('job', A.id), key('events', A.id),
                        key('request', job.tenant .. ':' .. job.request_id) }) do
  call('PERSIST', name)
end
call('ZREM', key('dead'), A.id)
call('ZREM', key('retained'), A.id .. '|' .. job.tenant)
job.solo, job.deadline = '1', false
enter_again(job)
emit(job)
return 'REQUEUED'
