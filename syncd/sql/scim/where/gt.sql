{column} > {value}
