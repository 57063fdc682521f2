{column} <> {value}
