right({column}, length({value})) = {value}
