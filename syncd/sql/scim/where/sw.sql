starts_with({column}, {value})
