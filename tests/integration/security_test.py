"""Who may do what: certificates, tokens and roles, between the real programs."""

import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from understudy import (BIN, EXPERIMENTS, REPOSITORY, TestCase, call, call_json, digests, free_port, log_of,
                        make_certificates, wait_until)

CANONICAL = EXPERIMENTS / "cartpole.yaml"
TOKENS = {role: f"the-secret-token-of-{role}" for role in ("actor", "learner", "client", "admin")}


def expire(authority, directory):
    """Puts a certificate that was valid until yesterday in the place of the directory's."""
    (directory / "index").write_text("")
    (directory / "config").write_text(
        f"[ca]\ndefault_ca = it\n[it]\ndatabase = {directory}/index\nnew_certs_dir = {directory}\nrand_serial = yes\n"
        "default_md = sha256\npolicy = any\ncopy_extensions = copy\n[any]\ncommonName = supplied\n")
    request = directory / "request"
    role = directory.name
    subprocess.run(["openssl", "req", "-new", "-key", directory / "tls.key", "-subj", f"/CN={role}", "-addext",
                    f"subjectAltName=URI:urn:understudy:role:{role}", "-out", request], check=True)
    subprocess.run(["openssl", "ca", "-batch", "-notext", "-config", directory / "config", "-cert", authority / "ca.crt",
                    "-keyfile", authority / "ca.key", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
                    "-in", request, "-out", directory / "tls.crt"], check=True, capture_output=True)


def public_key(*command):
    return subprocess.run(["openssl", *command], check=True, capture_output=True).stdout


class MakeCertificates(TestCase):
    PROGRAM = REPOSITORY / "deploy" / "tls" / "make-certificates"
    ROLES = ("coordinator", "learner", "actor", "client", "admin")

    def assert_whole(self, directory):
        self.assertEqual([], [path.name for path in directory.iterdir() if path.name.startswith(".")])
        authority = directory / "ca" / "ca.crt"
        pairs = [(authority, directory / "ca" / "ca.key")]
        pairs += [(directory / role / "tls.crt", directory / role / "tls.key") for role in self.ROLES]
        for certificate, key in pairs:
            self.assertEqual(public_key("x509", "-in", certificate, "-pubkey", "-noout"),
                             public_key("pkey", "-in", key, "-pubout"), certificate)
        for role in self.ROLES:
            public_key("verify", "-CAfile", authority, directory / role / "tls.crt")
            self.assertEqual(authority.read_bytes(), (directory / role / "ca.crt").read_bytes())

    def test_several_at_once_make_one_authority(self):
        for i in range(4):
            directory = self.directory / str(i)
            making = [subprocess.Popen([self.PROGRAM, directory, "--role", role], stdout=subprocess.DEVNULL)
                      for role in self.ROLES]
            self.assertEqual([0] * len(making), [process.wait(timeout=60) for process in making])
            self.assert_whole(directory)

    def test_a_signal_leaves_nothing_half_made(self):
        directory = self.directory / "tls"
        make_certificates(directory)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for delay in (0.02, 0.1, 0.2):
                making = subprocess.Popen([self.PROGRAM, directory], stdout=subprocess.DEVNULL)
                time.sleep(delay)  # some of them hit while it writes
                making.send_signal(number)
                self.assertIn(making.wait(timeout=60), (0, -number))
                self.assert_whole(directory)


class Certificates(TestCase):
    def setUp(self):
        super().setUp()
        self.certificates = make_certificates(self.directory / "tls")

    def start(self):
        cluster = self.cluster(self.certificates)
        cluster.coordinator()
        cluster.learner()
        cluster.actor()
        return cluster

    def as_role(self, cluster, role, *arguments, certificates=None):
        return call(*arguments, "--coordinator", cluster.address, "--tls_dir", (certificates or self.certificates) / role)

    def assert_refused(self, done, *words):
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_change_no_result(self):
        cluster = self.start()
        experiment = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(experiment)
        self.assertEqual(digests(call_json("run", CANONICAL, "--data_dir", self.directory / "run")), digests(experiment))

        self.assert_refused(self.as_role(cluster, "client", "datasets", "delete", "cartpole-expert"),
                            "Datasets/Delete is for role admin; the caller has client")
        self.assert_refused(self.as_role(cluster, "actor", "datasets", "delete", "cartpole-expert"), "the caller has actor")
        self.assert_refused(self.as_role(cluster, "actor", "experiments", "submit", CANONICAL), "the caller has actor")
        self.assert_refused(self.as_role(cluster, "learner", "experiments", "list"), "the caller has learner")
        self.assertEqual(1, len(cluster.call_json("datasets", "list")))
        self.assertEqual(0, self.as_role(cluster, "admin", "datasets", "delete", "cartpole-expert").returncode)

    def test_of_strangers_open_nothing(self):
        cluster = self.start()
        self.assertEqual([], cluster.call_json("experiments", "list"))
        address = ("--coordinator", cluster.address)
        self.assert_refused(call("experiments", "list", *address), "no coordinator answers", "--tls_dir")
        # Whom our authority did not sign, whatever authority they say that they believe.
        strangers = make_certificates(self.directory / "strangers")
        self.assert_refused(self.as_role(cluster, "admin", "experiments", "list", certificates=strangers),
                            "certificate verify failed")
        shutil.copy(self.certificates / "ca" / "ca.crt", strangers / "admin" / "ca.crt")
        self.assert_refused(self.as_role(cluster, "admin", "experiments", "list", certificates=strangers),
                            f"no coordinator answers at {cluster.address} with TLS")
        # Our own client, a day late.
        expire(self.certificates / "ca", self.certificates / "client")
        self.assert_refused(self.as_role(cluster, "client", "experiments", "list"),
                            f"{self.certificates}/client/tls.crt: expired at 2020-01-02T00:00:00")
        # The server goes on serving.
        self.assertEqual(0, self.as_role(cluster, "admin", "experiments", "list").returncode)

    def first_bytes(self, cluster, role):
        """What a server says to who shows a certificate, whatever its dates; nothing: it closed the connection."""
        context = ssl.create_default_context(cafile=self.certificates / role / "ca.crt")
        context.load_cert_chain(self.certificates / role / "tls.crt", self.certificates / role / "tls.key")
        context.set_alpn_protocols(["h2"])
        host, port = cluster.address.split(":")
        try:
            with context.wrap_socket(socket.create_connection((host, int(port)), timeout=10), server_hostname=host) as it:
                it.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                return it.recv(9)
        except (ssl.SSLError, ConnectionError):
            return b""

    def test_expired_are_refused_by_the_server_too(self):
        cluster = self.start()
        self.assertEqual(4, self.first_bytes(cluster, "client")[3])  # its settings
        expire(self.certificates / "ca", self.certificates / "client")
        self.assertEqual(b"", self.first_bytes(cluster, "client"))

    def test_do_not_let_an_actor_be_a_learner(self):
        cluster = self.cluster(self.certificates)
        cluster.coordinator()
        impostor = cluster.start("understudy-learner", "--coordinator", cluster.address, "--listen", "127.0.0.1:0",
                                 "--tls_dir", self.certificates / "learner")
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 1, "the honest learner")
        impostor.terminate()
        impostor.wait()
        for file in ("tls.crt", "tls.key"):
            shutil.copy(self.certificates / "actor" / file, self.certificates / "learner" / file)
        impostor = cluster.learner()
        wait_until(lambda: "this is for role learner; the caller has actor" in log_of(impostor), "the refusal")
        self.assertEqual([], cluster.call_json("workers", "list"))

    def test_may_change_while_everything_runs(self):
        cluster = self.start()
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 2, "both workers")
        shutil.rmtree(self.certificates / "ca")
        # Of another authority altogether: who is connected stays, and who comes anew needs the new ones.
        make_certificates(self.certificates)
        wait_until(lambda: cluster.call("workers", "list").returncode == 0, "the coordinator's new certificate")
        cluster.processes[2].terminate()
        cluster.actor()
        self.assert_succeeded(cluster.finish(cluster.submit(CANONICAL)))


class Tokens(TestCase):
    def test_stand_for_certificates_and_are_never_logged(self):
        certificates = make_certificates(self.directory / "tls")
        table = self.write("tokens", "".join(f"{role} {token}\n" for role, token in TOKENS.items()))
        for role, token in TOKENS.items():
            self.write(f"{role}.token", token + "\n")
            if role != "learner":  # it listens, and so has a certificate
                (certificates / role / "tls.crt").unlink()
                (certificates / role / "tls.key").unlink()
        cluster = self.cluster(certificates)
        cluster.coordinator("--tokens", table, "--log_level", "debug")
        cluster.learner("--tokens", table, "--log_level", "debug")
        cluster.actor("--token_file", self.directory / "actor.token", "--log_level", "debug")
        environment = {"UNDERSTUDY_TOKEN": TOKENS["client"]}
        experiment = cluster.call_json("experiments", "submit", CANONICAL, environment=environment)["id"]
        cluster.call("experiments", "watch", experiment, environment=environment)
        self.assert_succeeded(cluster.call_json("experiments", "show", experiment, environment=environment))

        refused = cluster.call("datasets", "delete", "cartpole-expert", environment=environment)
        self.assertIn("is for role admin; the caller has client", refused.stderr)
        unknown = cluster.call("experiments", "list", environment={"UNDERSTUDY_TOKEN": "nobody-knows-this-token"})
        self.assertIn("the caller has no role", unknown.stderr)
        nothing = cluster.call("experiments", "list")
        self.assertIn("no token", nothing.stderr)
        admin = cluster.call("datasets", "delete", "cartpole-expert", environment={"UNDERSTUDY_TOKEN": TOKENS["admin"]})
        self.assertEqual(0, admin.returncode, admin.stderr)
        for process in cluster.processes:
            for token in [*TOKENS.values(), "nobody-knows"]:
                self.assertNotIn(token, log_of(process))


class Listening(TestCase):
    def start(self, program, *arguments):
        return subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True, timeout=30,
                              cwd=self.directory)

    def test_beyond_loopback_needs_tls(self):
        for program in ("understudy-coordinator", "understudy-learner"):
            done = self.start(program, "--listen", f"0.0.0.0:{free_port()}")
            self.assertEqual(1, done.returncode)
            self.assertIn("--tls_dir", done.stderr)
            self.assertIn("--insecure", done.stderr)

    def test_with_tls_is_not_insecure(self):
        done = self.start("understudy-coordinator", "--insecure", "--tls_dir", self.directory)
        self.assertEqual(2, done.returncode)
        self.assertIn("--insecure", done.stderr)

    def test_needs_files_that_are_right(self):
        for program in ("understudy-coordinator", "understudy-learner", "understudy-actor"):
            done = self.start(program, "--tls_dir", self.directory)
            self.assertEqual((1, f"{program}: {self.directory}/ca.crt: No such file or directory\n"),
                             (done.returncode, done.stderr))
        self.assertEqual([], [path.name for path in pathlib.Path(self.directory).iterdir()])


class SeveralAddresses(TestCase):
    def test_lead_to_the_coordinator_that_listens(self):
        cluster = self.cluster()
        cluster.coordinator()
        nobody = f"127.0.0.1:{free_port()}"
        both = f"{nobody},{cluster.address}"
        cluster.start("understudy-learner", "--coordinator", both)
        cluster.start("understudy-actor", "--coordinator", both)
        experiment = call_json("experiments", "submit", CANONICAL, "--coordinator", both)["id"]
        call("experiments", "watch", experiment, environment={"UNDERSTUDY_COORDINATOR": both})
        self.assert_succeeded(cluster.finish(experiment))
        refused = call("experiments", "list", "--coordinator", f"{nobody},127.0.0.1:{free_port()}")
        self.assertEqual(1, refused.returncode)
        self.assertIn(nobody, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
