-- Shared part: blobs, kept while a live job uses them.
--
-- What was uploaded for jobs to come, and what a dead letter would need again, is also promised for
-- some time: `promise:<tenant>:<sha256>` says until when. All other bytes go with the last job that
-- needs them: inputs are most of what a queue holds, and nobody asks for them again.

local function blob_name(job, digest) return job.tenant .. ':' .. digest end

-- The blobs that a job names, with their bytes in all and those that the sums hold already, as idle
-- uploads; or nil and the digest of one that is not there.
local function look_at_blobs(job)
  local found = { bytes = 0, idle_bytes = 0 }
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    if call('EXISTS', key('blob', name)) == 0 then return nil, digest end
    local size = call('STRLEN', key('blob', name))
    local upload = name .. ':' .. size
    local idle = call('ZSCORE', key('uploads'), upload)
    found[#found + 1] = { name = name, size = size, upload = upload }
    found.bytes = found.bytes + size
    if idle then found.idle_bytes = found.idle_bytes + size end
  end
  return found
end

local function drop_upload(member)
  if call('ZREM', key('uploads'), member) == 1 then
    local part = split(member, ':')
    add_bytes(part[1], -num(part[3]))
  end
end

local function hold_blobs(job, blobs)
  for _, blob in ipairs(blobs) do
    call('PERSIST', key('blob', blob.name))
    call('SADD', key('users', blob.name), job.id)
    drop_upload(blob.upload)
  end
end

local function promised_ms(name) return num(call('GET', key('promise', name))) - NOW end

local function promise_blob(name, keep_ms)
  if promised_ms(name) < keep_ms then
    call('SET', key('promise', name), digits(NOW + keep_ms), 'PX', digits(keep_ms))
  end
end

-- `promise_ms`: for so long the ended job may need them again.
local function release_blobs(job, promise_ms)
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    if promise_ms > 0 then promise_blob(name, promise_ms) end
    call('SREM', key('users', name), job.id)
    if call('EXISTS', key('users', name)) == 0 then
      local left_ms = promised_ms(name)
      if left_ms > 0 then
        call('PEXPIRE', key('blob', name), digits(left_ms))
      else
        call('DEL', key('blob', name))
      end
    end
  end
end

-- Removes what is left of a deleted job's blobs, and every trace of them, unless a live job uses them
-- or they have been stored again.
local function drop_blobs(job)
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    local upload = name .. ':' .. call('STRLEN', key('blob', name))
    local used = call('EXISTS', key('users', name)) == 1 or call('ZSCORE', key('uploads'), upload)
    if not used then call('DEL', key('blob', name), key('promise', name), key('known', name)) end
  end
end

-- Uploads that no job took in time no longer count; Redis' own expiry removes their bytes.
local function drop_old_uploads(limit)
  local due = call('ZRANGEBYSCORE', key('uploads'), '-inf', NOW, 'LIMIT', 0, limit)
  for _, member in ipairs(due) do drop_upload(member) end
end

-- Bytes come ahead of their script, under a key of their own. Between the two Redis may have
-- restarted, and forgotten them: then both are sent again.
local function is_staged() return call('EXISTS', A.stage) == 1 end

local UNSTAGED = redis.error_reply('UNSTAGED the bytes of this call are not here any more')
