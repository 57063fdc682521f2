strpos({column}, {value}) > 0
