-- Takes a worker out of the registry.
--
-- A: worker

local WORKER = key('worker', A.worker)
for _, pool in ipairs(split(call('HGET', WORKER, 'pools') or '', '|')) do
  call('HDEL', key('serving', pool), A.worker)
  call('DEL', key('capacity', pool))
end
call('DEL', WORKER, key('drain', A.worker))
call('ZREM', key('workers'), A.worker)
return 1
