-- Returns {sums, running, dead letters, {lane, age of its oldest queued job in ms, …}, live workers,
-- INFO}

local ages = {}
for _, lane in ipairs({'interactive', 'batch', 'instant'}) do
  local oldest = call('ZRANGE', key('waiting', lane), 0, 0, 'WITHSCORES')
  if oldest[1] then
    table.insert(ages, lane)
    table.insert(ages, NOW - tonumber(oldest[2]))
  end
end
return {
  call('HGETALL', key('sums')),
  call('ZCARD', key('leases')),
  call('ZCARD', key('dead')),
  ages,
  call('ZCOUNT', key('workers'), '(' .. digits(NOW), '+inf'),
  call('INFO'),
}
