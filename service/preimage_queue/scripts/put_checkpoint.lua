-- Replaces the checkpoint of a job.
--
-- A: id attempt step stage
-- Returns STORED | STALE

if not is_staged() then return UNSTAGED end
if not owns(load(A.id), A.attempt) then
  call('DEL', A.stage)
  return 'STALE'
end
call('RENAME', A.stage, key('checkpoint', A.id))
call('PERSIST', key('checkpoint', A.id))
call('HSET', key('job', A.id), 'checkpoint_step', A.step)
return 'STORED'
