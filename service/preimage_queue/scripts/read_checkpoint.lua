-- A: id attempt
-- Returns {step, data} or nil

local step = call('HGET', key('job', A.id), 'checkpoint_step')
if not step or not owns(load(A.id), A.attempt) then return false end
return { step, call('GET', key('checkpoint', A.id)) }
