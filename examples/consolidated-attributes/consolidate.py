#!/usr/bin/env python3
"""Fills hub.attributes from two systems: HR exports a CSV file, the CRM is an SQLite database.

Only what differs is written, with a new updated_at; what a system no longer says becomes a tombstone (deleted), so that
pg_roster can read the table incrementally. A system that cannot be read ends the program before anything is written.

usage: consolidate.py --hr people.csv --crm crm.sqlite [--only hr|crm] [psql arguments, such as -d postgres://...]
"""
import argparse
import csv
import io
import sqlite3
import subprocess
import sys


def from_hr(path):
    """username, department, cost_centre, region; a region may be a list, divided by semicolons."""
    with open(path, newline="", encoding="utf-8") as file:
        for person in csv.DictReader(file):
            username = person["username"]
            for attribute in ("department", "cost_centre"):
                if person[attribute]:
                    yield username, attribute, person[attribute]
            for region in filter(None, map(str.strip, person["region"].split(";"))):
                yield username, "region", region


def from_crm(path):
    """Who looks after which customers, and where they are."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as crm:
        rows = crm.execute("SELECT login, customer, region FROM account").fetchall()
    for login, customer, region in rows:
        yield login, "customer", customer
        yield login, "region", region


WRITE = """
\\set ON_ERROR_STOP 1
BEGIN;
CREATE TEMP TABLE stated (system text, username text, attribute text, value text) ON COMMIT DROP;
COPY stated FROM STDIN (FORMAT csv);
{rows}\\.
INSERT INTO hub.attributes AS h (system, username, attribute, value)
SELECT DISTINCT system, username, attribute, value FROM stated
ON CONFLICT (system, username, attribute, value)
DO UPDATE SET deleted = false, updated_at = clock_timestamp() WHERE h.deleted;
UPDATE hub.attributes h SET deleted = true, updated_at = clock_timestamp()
WHERE NOT h.deleted AND h.system = ANY ('{{{systems}}}') AND NOT EXISTS (
    SELECT FROM stated s WHERE (s.system, s.username, s.attribute, s.value) = (h.system, h.username, h.attribute, h.value));
COMMIT;
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hr", required=True)
    parser.add_argument("--crm", required=True)
    parser.add_argument("--only", choices=["hr", "crm"])
    arguments, psql = parser.parse_known_args()

    systems = [arguments.only] if arguments.only else ["hr", "crm"]
    readers = {"hr": lambda: from_hr(arguments.hr), "crm": lambda: from_crm(arguments.crm)}
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for system in systems:
        writer.writerows((system, *row) for row in readers[system]())
    script = WRITE.format(rows=rows.getvalue(), systems=",".join(systems))
    sys.exit(subprocess.run(["psql", "-X", "-q", *psql], input=script, text=True).returncode)


if __name__ == "__main__":
    main()
