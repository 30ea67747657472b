"""Runs our side of the bench on each engine, then the engine's own bulk insert of the same
rows into the same table with the same indexes, as many rows a commit and as durable."""

import json
import sqlite3
import subprocess
import sys
import time

ours, batches, folder, postgres, psql = sys.argv[1:]


def run_ours(database):
    done = subprocess.run([ours, "rows", batches, database], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(engine, report, peer, seconds):
    rate, peer_rate = report["rows"] / report["seconds"], report["rows"] / seconds
    print(json.dumps({
        "bench": "ingest", "work": f"{report['rows']} rows, {report['batch']} a commit, {engine}",
        "figure": "rows a second, HTTP to durable commit", "value": round(rate),
        "peer": peer, "peer_value": round(peer_rate), "ratio": round(rate / peer_rate, 2),
        "goal": ">=0.5",
    }), flush=True)


def sqlite_peer(batch):
    source = sqlite3.connect(f"file:{folder}/kept.db?mode=ro", uri=True)
    rows = source.execute("SELECT * FROM reading ORDER BY gateway_id, epoch, seq").fetchall()
    made = [sql for (sql,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'reading' AND sql IS NOT NULL"
        " ORDER BY type DESC")]
    target = sqlite3.connect(f"{folder}/peer.db", isolation_level=None)
    target.execute("PRAGMA journal_mode=wal")
    target.execute("PRAGMA synchronous=full")
    for sql in made:
        target.execute(sql)
    places = ",".join("?" * len(rows[0]))
    began = time.monotonic()
    for start in range(0, len(rows), batch):
        target.execute("BEGIN IMMEDIATE")
        target.executemany(f"INSERT INTO reading VALUES ({places})", rows[start:start + batch])
        target.execute("COMMIT")
    return time.monotonic() - began


def sql(script):
    done = subprocess.run([psql, "-qAtX", "-v", "ON_ERROR_STOP=1", postgres], input=script,
                          check=True, capture_output=True, text=True)
    return done.stdout


def postgres_peer(batch):
    sql("CREATE TABLE peer (LIKE reading INCLUDING ALL)")
    lines = sql("COPY (SELECT * FROM reading ORDER BY gateway_id, epoch, seq) TO STDOUT")
    lines = lines.splitlines(keepends=True)
    parts = [f"COPY peer FROM STDIN;\n{''.join(lines[start:start + batch])}\\.\n"
             for start in range(0, len(lines), batch)]
    script = "".join(parts)
    began = time.monotonic()
    sql(script)
    return time.monotonic() - began


report = run_ours("sqlite")
show("SQLite", report, "executemany of Python's sqlite3", sqlite_peer(report["batch"]))
report = run_ours(postgres)
show("PostgreSQL", report, "COPY by psql", postgres_peer(report["batch"]))
