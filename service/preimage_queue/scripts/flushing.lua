-- Whether scripts that promise something refuse now; see promises.lua.
--
-- Returns 1 or 0

return string.find(redis.call('INFO', 'persistence'), 'aof_pending_bio_fsync:[1-9]') and 1 or 0
