"""A Docker Engine, Compose v2 and the base image, wherever the machine has or can make them. Standard library only."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import time

BASE_IMAGE = "debian:bookworm-slim"
DEBIAN = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# So that compilers' results, and layers, outlast the default of half a gigabyte.
CONFIGURATION = '{"builder": {"gc": {"enabled": true, "policy": [{"keepStorage": "15GB", "all": true}]}}}'
MOST_SEED = 3 << 30  # bytes of a compiler cache that are worth copying


class Unavailable(Exception):
    """This machine has no Docker, and cannot be made to; the text says why."""


def log(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


class Engine:
    """One that answers already, else a daemon of our own, in `directory`, which keeps its images for the next time."""

    def __init__(self, directory, install=False):
        self.directory = directory
        self.install = install
        self.environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        self.daemon = None

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.require("docker", "docker.io")
        if self.docker("info", check=False).returncode != 0:
            self.start_daemon()
        self.provide_plugins()
        self.provide_base()

    def docker(self, *arguments, check=True, **options):
        options = {"capture_output": True, "text": True, "timeout": 120, **options}
        done = subprocess.run(["docker", *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(map(str, arguments))} ended with {done.returncode}:\n"
                               f"{done.stdout or ''}{done.stderr or ''}")
        return done

    def require(self, program, package):
        if shutil.which(program):
            return
        if not self.install or os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unavailable(f"there is no {program}: install {package}, or run this as root with --install")
        log(f"installing {package}")
        for command in (["apt-get", "update", "-qq"],
                        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]):
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                  env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
            if done.returncode != 0:
                raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")

    def start_daemon(self):
        if os.geteuid() != 0:
            raise Unavailable("no Docker daemon answers, and only root can start one")
        self.require("dockerd", "docker.io")
        log(f"starting a Docker daemon in {self.directory}")
        socket = self.directory / "docker.sock"
        (self.directory / "daemon.json").write_text(CONFIGURATION)
        log_path = self.directory / "dockerd.log"
        with open(log_path, "w") as output:
            self.daemon = subprocess.Popen(
                ["nice", "dockerd", "--config-file", self.directory / "daemon.json", "--data-root", self.directory / "data",
                 "--exec-root", self.directory / "run", "--pidfile", self.directory / "dockerd.pid",
                 "--host", f"unix://{socket}"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        self.environment["DOCKER_HOST"] = f"unix://{socket}"
        deadline = time.monotonic() + 60
        while self.docker("info", check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                last = log_path.read_text().strip().splitlines()[-1:]
                self.stop()
                raise Unavailable(f"dockerd does not start here: {' '.join(last)}")
            time.sleep(0.2)

    def provide_plugins(self):
        """Compose v2 and buildx: Debian 12 has neither; Debian 13's run there."""
        version = self.docker("compose", "version", "--short", check=False)
        if version.returncode == 0 and tuple(map(int, version.stdout.split(".")[:2])) >= (2, 23) \
                and self.docker("buildx", "version", check=False).returncode == 0:
            return
        config = self.directory / "config"
        self.environment["DOCKER_CONFIG"] = str(config)
        if not (config / "cli-plugins" / "docker-compose").exists():
            log("fetching Compose v2 and buildx of Debian 13")
            self.fetch_plugins(config / "cli-plugins")
        self.docker("compose", "version")

    def fetch_plugins(self, target):
        if not shutil.which("apt-get") or not pathlib.Path(KEYRING).exists():
            raise Unavailable("there is no Compose 2.23 or later, and this is no Debian to fetch one")
        apt = self.directory / "apt"
        shutil.rmtree(apt, ignore_errors=True)
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (apt / name).mkdir(parents=True)
        (apt / "parts" / "trixie.sources").write_text(
            f"Types: deb\nURIs: {DEBIAN}\nSuites: trixie\nComponents: main\nSigned-By: {KEYRING}\n")
        options = [f"-oDir::Etc::SourceList={apt}/none", f"-oDir::Etc::SourceParts={apt}/parts",
                   f"-oDir::State::Lists={apt}/lists", f"-oDir::Cache={apt}/cache", "-oAPT::Sandbox::User=root"]
        for command in (["update", "-qq"], ["download", "-qq", "docker-compose", "docker-buildx"]):
            done = subprocess.run(["apt-get", *options, *command], cwd=apt, capture_output=True, text=True)
            if done.returncode != 0:
                raise Unavailable(f"Compose v2 is not to be had: {done.stderr.strip()}")
        for package in apt.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, apt / "root"], check=True)
        target.mkdir(parents=True, exist_ok=True)
        for plugin in (apt / "root/usr/libexec/docker/cli-plugins").iterdir():
            shutil.copy(plugin, target)
        shutil.rmtree(apt)

    def provide_base(self):
        """From a registry where one is reached; else the same, made of Debian's packages."""
        if self.docker("image", "inspect", BASE_IMAGE, check=False).returncode == 0:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.docker("pull", "--quiet", BASE_IMAGE, check=False).returncode == 0:
                return
        if os.geteuid() != 0:
            raise Unavailable(f"no registry has {BASE_IMAGE}, and only root can make it")
        self.require("debootstrap", "debootstrap")
        log(f"no registry is reached: making {BASE_IMAGE} with debootstrap")
        root = self.directory / "base"
        shutil.rmtree(root, ignore_errors=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, DEBIAN], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable(f"debootstrap: {done.stdout.strip().splitlines()[-1:]}")
        # As in the image of that name: a container is no place that has to survive a power cut.
        (root / "etc/dpkg/dpkg.cfg.d/docker-apt-speedup").write_text("force-unsafe-io\n")
        archive = self.directory / "base.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(root, ".", filter=lambda member: None if "/apt/archives/" in member.name else member)
        self.docker("import", archive, BASE_IMAGE)
        archive.unlink()
        shutil.rmtree(root)

    def seed_compiler_cache(self, dockerfile):
        """Hands what this machine's ccache knows to the build, so that nothing is compiled twice. Never needed."""
        done = subprocess.run(["ccache", "--get-config", "cache_dir"], capture_output=True, text=True) \
            if shutil.which("ccache") else None
        if done is None or done.returncode != 0:
            return
        cache = pathlib.Path(done.stdout.strip())
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) if cache.is_dir() else 0
        if not 0 < size < MOST_SEED:
            return
        log(f"seeding the image build's compiler cache: {size >> 20} MiB")
        self.docker("build", "--file", dockerfile, "--build-arg", f"TIME={time.time()}", cache, check=False, timeout=600)

    def stop(self):
        """Only the daemon that was started here."""
        if self.daemon is None or self.daemon.poll() is not None:
            return
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
