-- Asks a worker to leave, or takes that back.
--
-- A: worker drain (1 | 0)
-- Returns 1, or 0 if no live worker has the name.

write_at_any_memory()
if num(call('ZSCORE', key('workers'), A.worker)) <= NOW then return 0 end
if A.drain == '1' then
  call('SET', key('drain', A.worker), 1, 'PX', DRAIN_MS)
else
  call('DEL', key('drain', A.worker))
end
return 1
