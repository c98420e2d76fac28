-- Tells whether a job would be refused now, before anything of it is read or stored.
--
-- A: request_id (may be empty) blobs bytes (of what would have to be stored)
--    shares (1: an equal job's result or run would do), and what refusals.lua needs
-- Returns {ROOM} or {REJECTED, reason, retry_after_ms, limit}

-- The request has a job: it is answered whatever there is room for.
local function is_known()
  return A.request_id ~= '' and call('EXISTS', key('request', A.tenant .. ':' .. A.request_id)) == 1
end

-- An equal job has the same inputs. It lives and uses them, or has left a result and a word of them.
local function may_share()
  if A.shares ~= '1' then return false end
  for _, digest in ipairs(split(A.blobs, ',')) do
    local name = blob_name(A, digest)
    if call('EXISTS', key('users', name), key('known', name)) == 0 then return false end
  end
  return true
end

if is_known() or may_share() then return { 'ROOM' } end
return refusal(num(A.bytes)) or { 'ROOM' }
