-- A process that vanished without a word must not keep its session, and a run that waits for its source is not idle.
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 30000;
SET idle_session_timeout = 0;
-- What changes facts sees what was committed while it waited: another default of the role or database does not hold here.
SET default_transaction_isolation = 'read committed'
