"""Messages as POST requests, signed as Standard Webhooks specifies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit

import requests

from keyreid_stream.errors import ConfigError
from keyreid_stream.sinks.publish.config import WebhookConfig, check_web_address
from keyreid_stream.sinks.publish.credentials import Secret, read_secret
from keyreid_stream.sinks.publish.messages import SCHEMA, Message
from keyreid_stream.sinks.publish.publisher import PublishError

_SECRET_PREFIX = "whsec_"  # noqa: S105


class WebhookPublisher:
    """Sends batches as `{"schema": …, "messages": […]}`; any answer from 200 to 299 acknowledges the whole batch.

    Redirects are not followed: what is sent would go where nobody said.

    Args:
        url: where to, whole.
        token: of the `Authorization` header.
        key: signs every request, in `webhook-signature`.
        timeout_s: for the connection, and between two pieces of the answer.
        ca_file: certificates to trust instead of the system's.
    """

    def __init__(
        self,
        url: Secret,
        *,
        token: Secret | None = None,
        key: bytes | None = None,
        timeout_s: float = 10.0,
        ca_file: str | None = None,
    ) -> None:
        parts = urlsplit(url.text)
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # a path, too, may be a secret
        self._url = url
        self._token = token
        self._key = key
        self._timeout_s = timeout_s
        self._verify: bool | str = ca_file or True
        self._session: requests.Session | None = None

    @classmethod
    def from_config(cls, config: WebhookConfig) -> Self:
        """As the settings say.

        Raises:
            ConfigError: a secret is missing or none.
        """
        url = Secret(config.url) if config.url is not None else read_secret("url", config.url_env, None)
        assert url is not None  # noqa: S101  # one of both is given
        try:
            check_web_address(url.text, config.url_env or "url")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        secret = read_secret("secret", config.secret_env, config.secret_file)
        return cls(
            url,
            token=read_secret("token", config.token_env, config.token_file),
            key=None if secret is None else signing_key(secret),
            timeout_s=config.timeout_s,
            ca_file=config.ca_file,
        )

    def reach(self) -> None:
        """See `Publisher.reach`. Any answer will do: a receiver of POST may refuse everything else."""
        try:
            self._connected().head(
                self._url.text,
                auth=self._authorize,
                timeout=self._timeout_s,
                allow_redirects=False,
                verify=self._verify,
            ).close()
        except (requests.RequestException, OSError, ValueError) as error:
            self.close()
            raise PublishError(f"{self.shown} {_reason(error)}") from None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Publisher.send`."""
        body = f'{{"schema":"{SCHEMA}","messages":[{",".join(one.text for one in messages)}]}}'.encode()
        # The same for the same batch, whenever it is sent.
        message_id = f"{messages[0].event_id}.{len(messages)}"
        sent_s = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "keyreid-stream",
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_s),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, message_id, sent_s, body)
        try:
            answer = self._connected().post(
                self._url.text,
                data=body,
                headers=headers,
                auth=self._authorize,
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,  # what it answers besides is not read: it may be endless
                verify=self._verify,
            )
            answer.close()
        except (requests.RequestException, OSError, ValueError) as error:
            self.close()
            raise PublishError(f"{self.shown} {_reason(error)}") from None
        if not 200 <= answer.status_code < 300:
            raise PublishError(
                f"{self.shown} answered {answer.status_code}", retry_after_s=_retry_after_s(answer, time.time())
            )

    def close(self) -> None:
        """See `Publisher.close`."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _connected(self) -> requests.Session:
        if self._session is None:
            self._session = requests.Session()
        return self._session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Ours alone: without it, the user's .netrc would be searched for an account of the host."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.text}"
        return request


def signature(key: bytes, message_id: str, sent_s: int, body: bytes) -> str:
    """The header `webhook-signature`: HMAC-SHA256 of `id.timestamp.body`, in base64, after `v1,`."""
    signed = f"{message_id}.{sent_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signing_key(secret: Secret) -> bytes:
    """The key of a secret: of `whsec_…` what follows in base64, of others their text.

    Raises:
        ConfigError: what follows is not base64.
    """
    if not secret.text.startswith(_SECRET_PREFIX):
        return secret.text.encode()
    try:
        return base64.b64decode(secret.text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError("the webhook's secret starts with whsec_ but no base64 follows; copy it again") from None


def _reason(error: Exception) -> str:
    """In our words: the client's own quote the whole address."""
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not trusted"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"cannot be used ({type(error).__name__})"


def _retry_after_s(answer: requests.Response, now_s: float) -> float | None:
    """Seconds that the receiver asks for, as a number or a date; None if it does not say so clearly."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now_s)
