-- A: name info model_ttl_ms

write_at_any_memory()
call('SET', key('model', A.name), A.info, 'PX', A.model_ttl_ms)
call('ZADD', key('models'), NOW + num(A.model_ttl_ms), A.name)
call('PEXPIRE', key('models'), A.model_ttl_ms)
return 1
