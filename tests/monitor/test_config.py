from __future__ import annotations

import pytest

from keyreid_stream.config import deployment
from keyreid_stream.errors import ConfigError
from keyreid_stream.monitor.config import host_and_port


@pytest.mark.parametrize(
    ("listen", "parts"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:0", ("::1", 0)), ("localhost:80", ("localhost", 80))],
)
def test_where_to_listen(listen: str, parts: tuple[str, int]) -> None:
    assert host_and_port(listen) == parts


@pytest.mark.parametrize("listen", ["9464", ":9464", "host:", "host:x", "host:70000", "host:-1", "", "host:٣"])
def test_what_is_no_host_and_port_is_refused(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9464"):
        deployment({"monitor": {"listen": listen}})
