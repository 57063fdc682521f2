SELECT who, etag FROM roster_private.endpoint_subjects($1)
