-- Keeps bytes for jobs to come, under their digest.
--
-- A: tenant digest data max_bytes max_tenant_bytes (empty: none)
--    (upload_ms, if it shall differ from the settings')
-- Returns {STORED} or {REJECTED, reason, retry_after_ms, limit}

local RETRY_MS = 5000
local name = A.tenant .. ':' .. A.digest
local member = name .. ':' .. #A.data

if call('EXISTS', key('users', name)) == 1 then return { 'STORED' } end
if not call('ZSCORE', key('uploads'), member) then
  if num(call('HGET', key('sums'), 'bytes')) + #A.data > num(A.max_bytes) then
    return { 'REJECTED', 'QUEUED_BYTES', RETRY_MS, num(A.max_bytes) }
  end
  if has_too_many_bytes(A.tenant, #A.data) then
    return { 'REJECTED', 'TENANT_BYTES', RETRY_MS, num(A.max_tenant_bytes) }
  end
end
-- An ended job or an earlier upload may have promised a longer life than this one.
local left_ms = math.max(call('PTTL', key('blob', name)), num(A.upload_ms))
call('SET', key('blob', name), A.data, 'PX', left_ms)
if call('ZADD', key('uploads'), 'GT', NOW + num(A.upload_ms), member) == 1 then
  add_bytes(A.tenant, #A.data)
end
return { 'STORED' }
