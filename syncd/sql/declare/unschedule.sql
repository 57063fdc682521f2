SELECT roster.unschedule(source => $1)
