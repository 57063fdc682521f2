SELECT roster.create_source(source => $1, iam => $2, kind => $3, config => $4, schedule => $5, priority => $6, time_zone => $7)
