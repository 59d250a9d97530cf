"""A SQLite database in WAL mode, as a program of its own: insert FILE COUNT TEXT, churn FILE COUNT, dump FILE."""
import sqlite3
import sys


def insert(file, count, text):
    """Adds rows, each in a transaction of its own."""
    with open_database(file) as db:
        for _ in range(int(count)):
            with db:
                db.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def churn(file, count):
    """Changes and removes what is there, so that pages are freed and used again."""
    with open_database(file) as db:
        for i in range(int(count)):
            with db:
                db.execute("UPDATE notes SET text = text || ? WHERE id % 7 = ?", (f" {i}" * 200, i % 7))
                db.execute("DELETE FROM notes WHERE id % 11 = ?", (i % 11,))
                db.execute("INSERT INTO notes (text) VALUES (?)", (f"churned {i}",))


def dump(file):
    """Prints whether the database is whole, then all of it."""
    with open_database(file) as db:
        print(db.execute("PRAGMA integrity_check").fetchone()[0])
        for line in db.iterdump():
            print(line)


class open_database:
    def __init__(self, file):
        self.db = sqlite3.connect(file)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")

    def __enter__(self):
        return self.db

    def __exit__(self, *_):
        self.db.close()


if __name__ == "__main__":
    {"insert": insert, "churn": churn, "dump": dump}[sys.argv[1]](*sys.argv[2:])
