-- Gives up the source and the slot of staging. When the connection closes that happens as well, but a little later.
SELECT pg_advisory_unlock_all()
