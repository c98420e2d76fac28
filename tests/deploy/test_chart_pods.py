"""Pods of the chart: what they run, what they are told, how they are watched, what they may."""

from typing import Any

from deploy import settings

from preimage.cli import app
from preimage_queue import QueueSettings
from preimage_queue.connections import connect
from preimage_service.serving import LIVENESS
from tests.deploy.objects import containers, environment, of_kind
from tests.deploy.rendering import Documents, render

LISTEN = {
    "service": "PREIMAGE_SERVICE_METRICS_LISTEN",
    "worker": "PREIMAGE_WORKER_METRICS_LISTEN",
    "auditor": "PREIMAGE_AUDITOR_METRICS_LISTEN",
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def _ports(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}


def test_every_command_is_one_of_the_command_line(documents: Documents) -> None:
    commands = {each.name for each in app.registered_commands}
    for name, _pod, container in containers(documents):
        program, command, *options = container["command"]
        assert program == "preimage"
        assert command in commands
        assert options == (["--audits"] if name.endswith("auditor") else [])


def test_every_variable_is_a_setting_of_its_process(documents: Documents) -> None:
    for _name, _pod, container in containers(documents):
        known = settings.SERVICE if container["name"] == "service" else settings.WORKER
        given = {name for name in environment(container) if name.startswith("PREIMAGE_")}
        assert given <= {*known, *settings.QUEUE}
        assert len(given) == len([each for each in container["env"] if each["name"] in given])


def test_what_the_templates_set_is_what_values_may_not(plain: Documents, full: Documents) -> None:
    given: set[str] = set()
    for documents in (plain, full):
        for _name, _pod, container in containers(documents):
            given |= {name for name in environment(container) if name.startswith("PREIMAGE_")}
    by_values = {
        "PREIMAGE_QUEUE_MAX_QUEUED_JOBS",
        "PREIMAGE_MAXIMUM_STEPS",
        "PREIMAGE_DOWNLOAD_MODELS",
    }
    assert given - by_values == settings.CHART_SETS


def test_settings_of_the_values_reach_who_they_are_for(full: Documents) -> None:
    told = {name: environment(container) for name, _pod, container in containers(full)}
    for given in told.values():
        assert given["PREIMAGE_QUEUE_MAX_QUEUED_JOBS"] == "5000000"
        assert given["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.monitoring:4318"
    assert told["pre-preimage-service"]["PREIMAGE_MAXIMUM_STEPS"] == "40000"
    assert told["pre-preimage-worker-cpu"]["PREIMAGE_DOWNLOAD_MODELS"] == "none"
    assert "PREIMAGE_DOWNLOAD_MODELS" not in told["pre-preimage-worker-gpu"]


def test_the_ports_are_those_on_which_the_process_listens(documents: Documents) -> None:
    for _name, _pod, container in containers(documents):
        given, ports = environment(container), _ports(container)
        assert given[LISTEN[container["name"]]] == f"0.0.0.0:{ports['metrics']}"
        if container["name"] == "service":
            assert given["PREIMAGE_LISTEN"] == f"0.0.0.0:{ports['grpc']}"
            assert given["PREIMAGE_ADMIN_LISTEN"].startswith("127.0.0.1:")


def test_every_pod_is_probed_at_its_start_for_its_readiness_and_its_life(
    documents: Documents,
) -> None:
    for _name, _pod, container in containers(documents):
        ports = _ports(container)
        for probe in (container[name] for name in PROBES):
            if "grpc" in probe:
                assert probe["grpc"]["port"] == ports["grpc"]
            elif "tcpSocket" in probe:
                assert probe["tcpSocket"]["port"] in ports
            else:
                assert probe["httpGet"] == {"path": "/metrics", "port": "metrics"}


def test_frontends_are_not_restarted_because_redis_is_away(plain: Documents) -> None:
    (service,) = [each for _name, _pod, each in containers(plain) if each["name"] == "service"]
    assert service["startupProbe"]["grpc"]["service"] == LIVENESS
    assert service["livenessProbe"]["grpc"]["service"] == LIVENESS
    assert "service" not in service["readinessProbe"]["grpc"]


def test_no_probe_speaks_plain_grpc_to_a_frontend_with_tls(full: Documents) -> None:
    (service,) = [each for _name, _pod, each in containers(full) if each["name"] == "service"]
    assert not [name for name in PROBES if "grpc" in service[name]]


def test_every_process_has_more_time_to_end_than_it_takes() -> None:
    values = {
        "frontend": {"drain": {"pauseSeconds": 7.5, "graceSeconds": 90}},
        "workers": {"cpu": {"drainSeconds": 45}},
        "auditor": {"drainSeconds": 60},
    }
    for documents in (render(), render(values)):
        for _name, pod, container in containers(documents):
            given = environment(container)
            drains = [float(value) for name, value in given.items() if "_DRAIN_" in name]
            assert drains
            assert pod["terminationGracePeriodSeconds"] >= sum(drains) + 10


def test_every_file_that_a_variable_names_is_mounted(documents: Documents) -> None:
    for _name, pod, container in containers(documents):
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        assert set(mounts.values()) == {volume["name"] for volume in pod["volumes"]}
        for value in environment(container).values():
            if value.startswith("/"):
                assert any(value == path or value.startswith(f"{path}/") for path in mounts)


def test_the_authority_of_redis_is_taken_from_its_address(full: Documents) -> None:
    for _name, _pod, container in containers(full):
        url = environment(container)["PREIMAGE_REDIS_URL"]
        with connect(QueueSettings(url=url)) as client:
            options = client.connection_pool.connection_kwargs
        assert options["ssl_ca_certs"] == "/etc/preimage/redis-ca/ca.crt"
        assert (options["host"], options["port"]) == ("redis.data", 6380)


def test_secrets_come_by_file_and_only_their_group_reads_them(documents: Documents) -> None:
    for _name, pod, container in containers(documents):
        assert all("value" in each for each in container["env"])
        secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
        assert secrets
        assert {secret["defaultMode"] for secret in secrets} == {0o440}
        assert pod["securityContext"]["fsGroup"] == 10001


def test_pods_fit_the_restricted_profile(documents: Documents) -> None:
    for _name, pod, container in containers(documents):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert pod["automountServiceAccountToken"] is False


def test_pods_say_what_they_need_and_spread(documents: Documents) -> None:
    for _name, pod, container in containers(documents):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        keys = {each["topologyKey"] for each in pod["topologySpreadConstraints"]}
        assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def test_only_a_pool_for_gpus_asks_for_one(full: Documents) -> None:
    for name, _pod, container in containers(full):
        limits = container["resources"]["limits"]
        assert ("nvidia.com/gpu" in limits) == name.endswith("-gpu")
        wants = environment(container).get("PREIMAGE_DEVICE") == "cuda"
        assert ("nvidia.com/gpu" in limits) == wants


def test_nobody_gets_at_the_kubernetes_api(documents: Documents) -> None:
    (account,) = of_kind(documents, "ServiceAccount").values()
    assert account["automountServiceAccountToken"] is False
    assert not {kind for kind, _name in documents} & {"Role", "ClusterRole", "RoleBinding"}
