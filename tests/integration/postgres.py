"""A PostgreSQL server of a test's own: see tests/testing/postgres-server, which does the work."""

import subprocess

from understudy import REPOSITORY

HELPER = REPOSITORY / "tests" / "testing" / "postgres-server"


class PostgresServer:
    def __init__(self):
        self.directory = self._run("start").strip()
        self.url = f"postgresql://postgres@/postgres?host={self.directory}"

    def restart(self):
        """As after a crash."""
        self._run("restart", self.directory)

    def down(self):
        self._run("down", self.directory)

    def up(self):
        self._run("up", self.directory)

    def remove(self):
        self._run("remove", self.directory)

    def new_database(self, name):
        """Makes an empty one, and returns its URL."""
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={self.directory}"

    def sql(self, statement, *port):
        return self._run("sql", self.directory, statement, *port)

    def serve_tls(self, port, certificates):
        """On localhost, for who has a password. `certificates`: a directory as --tls_dir takes it."""
        self._run("tls", self.directory, port, certificates / "tls.crt", certificates / "tls.key")

    @staticmethod
    def _run(*arguments):
        done = subprocess.run([HELPER, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{HELPER.name} {arguments}: {done.stderr}")
        return done.stdout
