-- Replaces the checkpoint of a job.
--
-- A: id attempt step data
-- Returns STORED | STALE

if not owns(load(A.id), A.attempt) then return 'STALE' end
call('SET', key('checkpoint', A.id), A.data)
call('HSET', key('job', A.id), 'checkpoint_step', A.step)
return 'STORED'
