-- Returns INFO

return call('INFO')
