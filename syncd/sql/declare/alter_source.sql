SELECT roster.alter_source(source => $1, config => $2, schedule => $3, priority => $4, time_zone => $5, enabled => $6)
