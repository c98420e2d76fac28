-- Before everything else in scripts that write: no answer is given that Redis would not keep.
--
-- With `appendfsync everysec` Redis puts what a command has changed into its file before it answers,
-- so that `kill -9` loses nothing of it. But while an earlier fsync is under way in the background it
-- puts that off, by up to two seconds, and answers all the same (flushAppendOnlyFile in its aof.c).
-- So a script that would be answered too early changes nothing, and is sent again after a moment.

if string.find(redis.call('INFO', 'persistence'), 'aof_pending_bio_fsync:[1-9]') then
  return redis.error_reply('FLUSHING an earlier write is still on its way to the disk')
end
