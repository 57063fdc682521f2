l.value = {value}
