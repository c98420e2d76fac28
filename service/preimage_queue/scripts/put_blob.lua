-- Keeps bytes for jobs to come, under their digest.
--
-- A: tenant digest stage size max_bytes max_tenant_bytes (empty: none)
--    who (uploader, gatherer or sender)
--    (upload_ms, if it shall differ from the settings')
-- Returns {STORED} or {REJECTED, reason, retry_after_ms, limit}

if not is_staged() then return UNSTAGED end
local RETRY_MS = 5000
local name, size = A.tenant .. ':' .. A.digest, num(A.size)
local member = name .. ':' .. size

-- An end of another job must not take from under this one what it has just stored.
local function want_it()
  local keep_ms = num(A.upload_ms)
  want(name, A.who, A.who == 'sender' and math.min(SENDER_MS, keep_ms) or keep_ms)
end

local function rejection(reason, limit)
  call('DEL', A.stage)
  return { 'REJECTED', reason, RETRY_MS, num(limit) }
end

if call('EXISTS', key('users', name)) == 1 then
  call('DEL', A.stage)
  want_it()
  return { 'STORED' }
end
if not call('ZSCORE', key('uploads'), member) then
  if num(call('HGET', key('sums'), 'bytes')) + size > num(A.max_bytes) then
    return rejection('QUEUED_BYTES', A.max_bytes)
  end
  if has_too_many_bytes(A.tenant, size) then
    return rejection('TENANT_BYTES', A.max_tenant_bytes)
  end
end
-- It may have been promised a longer life before.
local left_ms = math.max(call('PTTL', key('blob', name)), num(A.upload_ms))
call('RENAME', A.stage, key('blob', name))
call('PEXPIRE', key('blob', name), left_ms)
want_it()
if call('ZADD', key('uploads'), 'GT', NOW + num(A.upload_ms), member) == 1 then
  add_bytes(A.tenant, size)
end
return { 'STORED' }
