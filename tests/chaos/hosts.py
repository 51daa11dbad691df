"""Hosts that are network namespaces of this machine, on one switch that is another. Needs root."""

import os
import subprocess

from processes import Failure

SUBNET = "10.213.77"  # of the namespaces alone: nothing outside them sees it


def sh(*arguments, text=None):
    done = subprocess.run(list(map(str, arguments)), input=text, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")


class Host:
    flags = ["--insecure"]

    def __init__(self, name, namespace, address, port):
        self.name = name
        self.namespace = namespace
        self.address = address
        self.port = port  # of the switch

    def command(self, arguments):
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *map(str, arguments)]


class Network:
    """The hosts by name; taken away by close. Not shared: another process's has other namespaces."""

    def __init__(self, names):
        self.switch = f"understudy-{os.getpid()}-switch"
        self.hosts = {}
        self.made = []  # namespaces
        self.cuts = 0
        try:
            self.make_namespace(self.switch)
            sh("ip", "-n", self.switch, "link", "add", "switch", "type", "bridge")
            sh("ip", "-n", self.switch, "link", "set", "switch", "up")
            for number, name in enumerate(names, start=1):
                self.add(number, name)
        except BaseException:
            self.close()
            raise

    def make_namespace(self, name):
        self.made.append(name)
        sh("ip", "netns", "add", name)

    def add(self, number, name):
        host = Host(name, f"understudy-{os.getpid()}-{name}", f"{SUBNET}.{number}", f"port{number}")
        self.make_namespace(host.namespace)
        sh("ip", "-n", self.switch, "link", "add", host.port, "type", "veth", "peer", "name", "eth0",
           "netns", host.namespace)
        sh("ip", "-n", self.switch, "link", "set", host.port, "master", "switch", "up")
        sh("ip", "-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            sh("ip", "-n", host.namespace, "link", "set", link, "up")
        self.hosts[name] = host

    def cut(self, incident):
        """Begins a network incident; returns what `heal` takes to end it."""
        self.cuts += 1
        host, *other = (self.hosts[name] for name in incident.target.split(" and "))
        if incident.action == "link down":
            sh("ip", "-n", self.switch, "link", "set", host.port, "down")
            return host, None
        table = f"cut{self.cuts}"
        verdict = {"drop": ["drop"], "reset": ["meta l4proto tcp reject with tcp reset", "drop"]}[incident.action]
        sh(*host.command(["nft", "-f", "-"]), text=rules(table, other[0].address if other else None, verdict))
        return host, table

    def heal(self, cut):
        host, table = cut
        if table is None:
            sh("ip", "-n", self.switch, "link", "set", host.port, "up")
        else:
            sh(*host.command(["nft", "delete", "table", "inet", table]))

    def close(self):
        while self.made:
            subprocess.run(["ip", "netns", "del", self.made.pop()], capture_output=True, timeout=20)


def rules(table, peer, verdict):
    """For one end of the connections, which is enough: to one peer, or to everybody but itself."""
    chains = []
    for hook, interface, address in (("input", "iif", "saddr"), ("output", "oif", "daddr")):
        whom = f"ip {address} {peer} " if peer else ""
        lines = "\n".join(f"{whom}{what}" for what in verdict)
        chains.append(f'chain {hook} {{\ntype filter hook {hook} priority 0\n{interface} "lo" accept\n{lines}\n}}\n')
    return f"table inet {table} {{\n{''.join(chains)}}}\n"
