import pytest
import redis

from tests import redis_server
from tests.redis_server import RedisServer


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_without_a_server_tests_are_skipped_and_in_ci_they_fail(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "find_server", lambda: None)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="install redis-server"):
        redis_server.require_server()


def test_a_server_is_gone_with_its_data_when_the_test_is() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
        folder = server.socket.parent
    assert not folder.exists()
    with pytest.raises(redis.exceptions.ConnectionError):
        redis.Redis.from_url(server.url).ping()
