"""NetworkPolicies of the chart: everything is denied but what must be."""

from typing import Any

from tests.deploy.objects import of_kind, selects
from tests.deploy.rendering import Documents, render


def _rules(documents: Documents, name: str, direction: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = of_kind(documents, "NetworkPolicy")[name]["spec"][direction]
    return rules


def test_every_pod_is_under_a_policy_that_denies_both_ways(documents: Documents) -> None:
    policy = of_kind(documents, "NetworkPolicy")["pre-preimage"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    chosen = selects(policy["podSelector"]["matchLabels"])
    assert all(map(chosen, of_kind(documents, "Deployment").values()))


def test_no_rule_is_open_to_everybody_by_an_empty_list(plain: Documents) -> None:
    for policy in of_kind(plain, "NetworkPolicy").values():
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, ()):
                assert rule[peers]
                assert rule["ports"]


def test_pods_reach_names_and_redis_and_nothing_else(plain: Documents) -> None:
    names, redis = _rules(plain, "pre-preimage", "egress")
    assert {port["port"] for port in names["ports"]} == {53}
    assert redis["ports"] == [{"protocol": "TCP", "port": 6379}]
    assert redis["to"] == [{"namespaceSelector": {"matchLabels": {"name": "data"}}}]


def test_the_port_of_redis_is_that_of_its_address(full: Documents) -> None:
    _names, redis, *_ = _rules(full, "pre-preimage", "egress")
    assert redis["ports"] == [{"protocol": "TCP", "port": 6380}]
    (_names, redis) = _rules(
        render({"redis": {"url": "redis://preimage@redis.data"}}), "pre-preimage", "egress"
    )
    assert redis["ports"] == [{"protocol": "TCP", "port": 6379}]


def test_only_prometheus_reaches_metrics_and_only_frontends_are_called(plain: Documents) -> None:
    (scrape,) = _rules(plain, "pre-preimage", "ingress")
    assert [port["port"] for port in scrape["ports"]] == ["metrics"]
    clients = of_kind(plain, "NetworkPolicy")["pre-preimage-clients"]["spec"]
    (only,) = filter(
        selects(clients["podSelector"]["matchLabels"]), of_kind(plain, "Deployment").values()
    )
    assert only["metadata"]["name"] == "pre-preimage-service"
    (call,) = clients["ingress"]
    assert [port["port"] for port in call["ports"]] == ["grpc"]


def test_further_rules_are_added(full: Documents) -> None:
    *_, last = _rules(full, "pre-preimage", "egress")
    assert last == {"ports": [{"protocol": "TCP", "port": 443}]}


def test_policies_can_be_left_to_the_cluster() -> None:
    assert not of_kind(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy")
