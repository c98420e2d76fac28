-- A: tenant digest
-- Returns the bytes or nil

return call('GET', key('blob', A.tenant .. ':' .. A.digest))
