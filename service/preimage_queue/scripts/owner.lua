-- Reads whose job it is, for operators, who see the jobs of all tenants.
--
-- A: id
-- Returns the tenant, or '' if there is no such job.

return call('HGET', key('job', A.id), 'tenant') or ''
