"""What must fit together between the Kubernetes objects of one overlay, and with the images and programs. Each check
yields what is wrong, a line each."""

import re

NAMESPACE = "understudy"


def workloads(objects):
    """(object, its pods' labels, its pods' specification)."""
    for one in objects:
        if one["kind"] in ("Deployment", "StatefulSet"):
            template = one["spec"]["template"]
            yield one, template["metadata"]["labels"], template["spec"]


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def names(objects, kind):
    return {one["metadata"]["name"] for one in of_kind(objects, kind)}


def title(one):
    return f"{one['kind']} {one['metadata']['name']}"


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", selector).items())


def container_ports(pod):
    return {port["name"]: port["containerPort"] for container in pod["containers"] for port in container.get("ports", [])}


def check_namespaces(objects):
    for one in objects:
        if one["kind"] != "Namespace" and one["metadata"].get("namespace") != NAMESPACE:
            yield f"{title(one)}: not in the namespace {NAMESPACE}"


def check_selectors(objects):
    pods = [labels for _, labels, _ in workloads(objects)]
    for one, labels, _ in workloads(objects):
        if not matches(one["spec"]["selector"], labels):
            yield f"{title(one)}: its selector does not match its own pods"
    for one in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        selector = one["spec"].get("selector", one["spec"].get("podSelector"))
        if not any(matches(selector, labels) for labels in pods):
            yield f"{title(one)}: its selector matches no pod"
    for one, labels, pod in workloads(objects):
        for spread in pod.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"], labels):
                yield f"{title(one)}: a topology spread is over other pods"


def check_ports(objects):
    for service in of_kind(objects, "Service"):
        for port in service["spec"]["ports"]:
            for one, labels, pod in workloads(objects):
                if matches(service["spec"]["selector"], labels) and port["targetPort"] not in container_ports(pod):
                    yield f"{title(service)}: {title(one)} has no port {port['targetPort']}"
                elif matches(service["spec"]["selector"], labels) \
                        and container_ports(pod)[port["targetPort"]] != port["port"]:
                    yield f"{title(service)}: a headless service's port must be the pod's: {port}"
    for one, _, pod in workloads(objects):
        for container in pod["containers"]:
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                http = container.get(kind, {}).get("httpGet")
                if http and http["port"] not in container_ports(pod):
                    yield f"{title(one)}: its {kind} asks port {http['port']}, which it has not"


def check_references(objects, secrets):
    """`secrets`: {name: keys} of those that the documentation tells to create."""
    config = {one["metadata"]["name"]: one["data"] for one in of_kind(objects, "ConfigMap")}
    for one, _, pod in workloads(objects):
        if pod["serviceAccountName"] not in names(objects, "ServiceAccount"):
            yield f"{title(one)}: there is no ServiceAccount {pod['serviceAccountName']}"
        if one["kind"] == "StatefulSet" and one["spec"]["serviceName"] not in names(objects, "Service"):
            yield f"{title(one)}: there is no Service {one['spec']['serviceName']}"
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | {
            claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])}
        for volume in pod.get("volumes", []):
            if "secret" in volume and volume["secret"]["secretName"] not in secrets:
                yield f"{title(one)}: nobody tells to create the Secret {volume['secret']['secretName']}"
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{title(one)}: there is no volume {mount['name']}"
            for variable in container.get("env", []):
                source = variable.get("valueFrom", {})
                for kind, there in (("configMapKeyRef", config), ("secretKeyRef", secrets)):
                    reference = source.get(kind)
                    if reference and reference["key"] not in there.get(reference["name"], ()):
                        yield f"{title(one)}: {kind}: there is no {reference['key']} in {reference['name']}"
    for autoscaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = autoscaler["spec"]["scaleTargetRef"]
        found = [one for one in objects if one["kind"] == target["kind"] and one["apiVersion"] == target["apiVersion"]
                 and one["metadata"]["name"] == target["name"]]
        if not found:
            yield f"{title(autoscaler)}: there is no {target['kind']} {target['name']}"
        elif "replicas" in found[0]["spec"]:
            yield f"{title(found[0])}: replicas are its autoscaler's matter"
        elif any("cpu" not in container["resources"]["requests"]
                 for container in found[0]["spec"]["template"]["spec"]["containers"]):
            yield f"{title(autoscaler)}: a utilisation is of a request, of which there is none"


def check_addresses(objects, certificate_hosts):
    """Each name is a pod's, and one that the role's certificate is for. `certificate_hosts`: {role: names}."""
    addresses = [address for one in of_kind(objects, "ConfigMap") for address in one["data"]["addresses"].split(",")]
    for one, _, pod in workloads(objects):
        for argument in pod["containers"][0]["args"]:
            if argument.startswith("--advertise="):
                addresses.append(argument.split("=", 1)[1].replace("$(POD_NAME)", f"{one['metadata']['name']}-0"))
    sets = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "StatefulSet")}
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "Service")}
    for address in addresses:
        match = re.fullmatch(r"(?P<set>[a-z-]+)-(?P<number>\d+)\.(?P<service>[a-z-]+)\.(?P<namespace>[a-z-]+)\.svc:(?P<port>\d+)",
                             address)
        if not match or match["set"] not in sets or match["namespace"] != NAMESPACE \
                or int(match["number"]) >= sets[match["set"]]["replicas"] \
                or sets[match["set"]]["serviceName"] != match["service"] \
                or int(match["port"]) not in {port["port"] for port in services[match["service"]]["ports"]}:
            yield f"{address}: no pod's address"
        elif "*." + address.split(":")[0].split(".", 1)[1] not in certificate_hosts.get(match["set"], ()):
            yield f"{address}: the certificate of {match['set']} is not for it"
    replicas = sets["coordinator"]["replicas"]
    if len([address for address in addresses if address.startswith("coordinator-")]) != replicas:
        yield f"{replicas} coordinators, but {addresses}"


def admits(objects, direction, pod, peer, port):
    """Whether the policies of pods labelled `pod` let them connect ("egress"), or be connected to ("ingress"), by pods labelled
    `peer`; a port by its name."""
    policies = [one["spec"] for one in of_kind(objects, "NetworkPolicy")
                if matches(one["spec"]["podSelector"], pod) and direction.capitalize() in one["spec"]["policyTypes"]]
    key = {"egress": "to", "ingress": "from"}[direction]
    return not policies or any(
        any(matches(other["podSelector"], peer) for other in rule.get(key, []) if "podSelector" in other)
        and any(one.get("port", port) == port for one in rule["ports"])
        for policy in policies for rule in policy.get(direction, []))


def check_network(objects, data_parallel):
    """`data_parallel`: learners exchange gradients, on ports without names."""
    labels = {one["metadata"]["name"]: labels for one, labels, _ in workloads(objects)}
    ports = ("grpc", "metrics", "gradients")
    needed = {("learner", "coordinator", "grpc"), ("actor", "coordinator", "grpc"), ("actor", "learner", "grpc")}
    if data_parallel:
        needed |= {("learner", "learner", port) for port in ports}
    for source in labels:
        for target in labels:
            for port in ports:
                is_needed = (source, target, port) in needed
                # Each end by itself: nobody is kept out by the other end alone.
                for direction, pod, peer in (("egress", source, target), ("ingress", target, source)):
                    if admits(objects, direction, labels[pod], labels[peer], port) != is_needed:
                        yield (f"{direction} of {source} to {target}, {port}: "
                               f"{'kept out' if is_needed else 'let in without need'}")
    if not any(one["spec"]["podSelector"] == {} and "ingress" not in one["spec"] and "egress" not in one["spec"]
               for one in of_kind(objects, "NetworkPolicy")):
        yield "nothing is denied by default"


def check_gradients(objects, data_parallel):
    """Whether learners listen for them where others reach them, and only if asked to."""
    (learners,) = [one for one in of_kind(objects, "StatefulSet") if one["metadata"]["name"] == "learner"]
    (container,) = learners["spec"]["template"]["spec"]["containers"]
    found = [variable.get("valueFrom", variable.get("value")) for variable in container["env"]
             if variable["name"] == "UNDERSTUDY_INSECURE_GRADIENTS"]
    found += [argument for argument in container["args"] if argument.startswith("--insecure_gradients")]
    expected = [{"fieldRef": {"fieldPath": "status.podIP"}}] if data_parallel else []
    if found != expected:
        yield f"learners listen for gradients on {found}, expected {expected}"
    if data_parallel and learners["spec"]["replicas"] < 2:
        yield f"{learners['spec']['replicas']} learners, where a stage has two"


def check_privileges(objects):
    for one in of_kind(objects, "ServiceAccount"):
        if one.get("automountServiceAccountToken") is not False:
            yield f"{title(one)}: its token is mounted"
    for one, _, pod in workloads(objects):
        if not pod["securityContext"].get("runAsNonRoot") or pod.get("automountServiceAccountToken") is not False \
                or pod["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{title(one)}: root, without seccomp, or with a token"
        for container in pod["containers"]:
            context = container["securityContext"]
            if not context.get("readOnlyRootFilesystem") or context.get("allowPrivilegeEscalation") is not False \
                    or context.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{title(one)}: {container['name']} has more privileges than it needs"
            if "requests" not in container["resources"] or "memory" not in container["resources"].get("limits", {}):
                yield f"{title(one)}: {container['name']} has no bounds"


def check_images(objects, images):
    """`images`: what the Dockerfile builds, with tags."""
    for one, _, pod in workloads(objects):
        for container in pod["containers"]:
            if container["image"] not in images:
                yield f"{title(one)}: {container['image']} is none of {sorted(images)}"


def check_command_lines(objects, entrypoints, knows):
    """`entrypoints`: {image without tag: program}; `knows(command, word)`: whether its --help has it."""
    for one, _, pod in workloads(objects):
        for container in pod["containers"]:
            program = entrypoints[container["image"].split(":")[0]]
            used = [((program,), argument.split("=")[0]) for argument in container.get("args", [])]
            used += [((program,), variable["name"]) for variable in container.get("env", [])
                     if variable["name"].startswith("UNDERSTUDY_")]
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                command = container.get(kind, {}).get("exec", {}).get("command", [])
                if command:
                    words = tuple(word for word in command if not word.startswith("--"))
                    used += [(words[:1], word) for word in words[1:]]
                    used += [(words, word.split("=")[0]) for word in command if word.startswith("--")]
            for command, word in used:
                if not knows(command, word):
                    yield f"{title(one)}: {' '.join(command)} knows no {word}"
