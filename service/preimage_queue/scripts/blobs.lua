-- Shared part: blobs, kept while a live job uses them.
--
-- With the last such job they go: inputs are most of what a queue holds, and nobody asks for them
-- again. Unless somebody may still want them: `wanted:<tenant>:<sha256>` has who, and until when.
--   sender      has just stored them, and comes with a job at once
--   gatherer    has stored them, and comes with a job once it has stored others too
--   uploader    has stored them for any jobs to come
--   <job id>    is a dead letter, and may be queued again

local SENDER_MS = 2000 -- a job follows its inputs in one round trip, and whoever is late sends both again

local function blob_name(job, digest) return job.tenant .. ':' .. digest end

-- The blobs of a job that are there, with their bytes in all and those that the sums hold already, as
-- idle uploads; and the digest of one that is not there, if any is.
local function look_at_blobs(job)
  local found, missing = { bytes = 0, idle_bytes = 0 }, nil
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    if call('EXISTS', key('blob', name)) == 0 then
      missing = missing or digest
    else
      local size = call('STRLEN', key('blob', name))
      local upload = name .. ':' .. size
      local idle = call('ZSCORE', key('uploads'), upload)
      found[#found + 1] = { name = name, size = size, upload = upload }
      found.bytes = found.bytes + size
      if idle then found.idle_bytes = found.idle_bytes + size end
    end
  end
  return found, missing
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

local function no_longer_want(job, who)
  for _, digest in ipairs(split(job.blobs, ',')) do
    call('ZREM', key('wanted', blob_name(job, digest)), who)
  end
end

local function forget_gathering(job)
  if job.gathered == '1' then no_longer_want(job, 'gatherer') end
end

-- The job has come and keeps them. Another one that is on its way with the same bytes keeps them
-- too, unless this one ends before it is there: then it is sent once more.
local function forget_sending(job)
  no_longer_want(job, 'sender')
  forget_gathering(job)
end

local function want(name, who, keep_ms)
  call('ZADD', key('wanted', name), 'GT', digits(NOW + keep_ms), who)
  live_on(key('wanted', name), keep_ms)
end

-- `idle`: until when it stays as an upload that no job has used.
local function let_go_of_blob(name, idle)
  if call('EXISTS', key('users', name)) == 1 then return end
  local last = call('ZREVRANGE', key('wanted', name), 0, 0, 'WITHSCORES')
  local left_ms = math.max(num(last[2]), idle) - NOW
  if left_ms > 0 then
    call('PEXPIRE', key('blob', name), digits(left_ms))
  else
    call('DEL', key('blob', name), key('wanted', name))
  end
end

-- `dead_ms`: for so long the ended job may need them again.
local function release_blobs(job, dead_ms)
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    if dead_ms > 0 then want(name, job.id, dead_ms) end
    call('SREM', key('users', name), job.id)
    let_go_of_blob(name, 0)
  end
end

-- Whoever stored the bytes before the job came stored them for it, unless others use them too.
local function forget_storing(job, name)
  if call('EXISTS', key('users', name)) == 1 then return end
  local wanted = key('wanted', name)
  local uploaded = num(call('ZSCORE', wanted, 'uploader')) - num(A.upload_ms)
  call('ZREM', wanted, 'gatherer')
  if uploaded <= num(call('HGET', key('job', job.id), 'created')) then
    call('ZREM', wanted, 'uploader')
  end
end

-- Removes the blobs of a deleted job, unless others use or want them or they have been stored again.
local function drop_blobs(job)
  no_longer_want(job, job.id)
  for _, digest in ipairs(split(job.blobs, ',')) do
    local name = blob_name(job, digest)
    forget_storing(job, name)
    local upload = name .. ':' .. call('STRLEN', key('blob', name))
    local idle = num(call('ZSCORE', key('uploads'), upload))
    if idle <= NOW then drop_upload(upload) end
    let_go_of_blob(name, idle)
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
