-- Before everything else in scripts that write: no answer is given that Redis would not keep.
--
-- With `appendfsync everysec` Redis puts what a command has changed into its file before it answers,
-- so that `kill -9` loses nothing of it. But while an earlier fsync is under way in the background it
-- puts that off, by up to two seconds, and answers all the same (flushAppendOnlyFile in its aof.c).
-- So a script that would be answered too early changes nothing, and is sent again after a moment.

-- Looked for as it stands: a pattern would be tried at each of the answer's thousand characters.
local told = redis.call('INFO', 'persistence')
local _, told_at = string.find(told, 'aof_pending_bio_fsync:', 1, true)
if told_at and string.sub(told, told_at + 1, told_at + 1) ~= '0' then
  return redis.error_reply('FLUSHING an earlier write is still on its way to the disk')
end
