rid + 0
