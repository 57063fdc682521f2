CREATE TABLE account (login text NOT NULL, customer text NOT NULL, region text NOT NULL);
INSERT INTO account VALUES ('sara', 'Acme', 'Ohio'), ('sara', 'Umbrella', 'Iowa'), ('stephanie', 'Initech', 'Texas');
