-- Tells whether a job would be refused now, before anything of it is read or stored.
--
-- A: request_id (may be empty) blobs bytes (of what would have to be stored)
--    shares (1: an equal job's result or run would do), and what refusals.lua needs
-- Returns {ROOM} or {REJECTED, reason, retry_after_ms, limit}

-- The request has a job: it is answered whatever there is room for.
local function is_known()
  return A.request_id ~= '' and call('EXISTS', key('request', A.tenant .. ':' .. A.request_id)) == 1
end

-- An equal job has the same inputs, and keeps them: where one of them is missing, or is no more than
-- an upload, there is no equal job.
local function may_share()
  local blobs = look_at_blobs(A)
  return A.shares == '1' and blobs and blobs.idle_bytes == 0
end

if is_known() or may_share() then return { 'ROOM' } end
return refusal(num(A.bytes)) or { 'ROOM' }
