-- Returns {sums, running, dead letters, age of the oldest queued job in ms, live workers, INFO}

local oldest = call('ZRANGE', key('waiting'), 0, 0, 'WITHSCORES')
return {
  call('HGETALL', key('sums')),
  call('ZCARD', key('leases')),
  call('ZCARD', key('dead')),
  oldest[1] and NOW - tonumber(oldest[2]) or 0,
  call('ZCOUNT', key('workers'), '(' .. digits(NOW), '+inf'),
  call('INFO'),
}
