-- Keeps an output of a running attempt until `finish` names it.
--
-- A: id attempt name data grace_ms
-- Returns STORED | STALE

write_at_any_memory()
local job = load(A.id)
if not owns(job, A.attempt) then return 'STALE' end
local place_of = output_place(job, A.name)
call('SET', key('output', place_of), A.data, 'PX', A.grace_ms)
if not string.find('\n' .. (job.written or '') .. '\n', '\n' .. place_of .. '\n', 1, true) then
  local written = job.written and job.written .. '\n' .. place_of or place_of
  call('HSET', key('job', A.id), 'written', written)
end
return 'STORED'
