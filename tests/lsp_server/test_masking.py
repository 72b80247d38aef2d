"""Secrets are masked, code about secrets is not, and the text keeps its length.

The secrets are put together here, so that nobody takes this file for one that leaks them.
"""

from __future__ import annotations

import base64
import random
import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.masking import find_secrets, mask_around, mask_secrets

DICE = random.Random(7)
WORDS = string.ascii_letters + string.digits


def some(n: int, alphabet: str = WORDS) -> str:
    return "".join(DICE.choice(alphabet) for _ in range(n))


def pem(kind: str = "RSA PRIVATE KEY", line_end: str = "\n") -> str:
    body = base64.b64encode(DICE.randbytes(300)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return line_end.join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
JWT = ".".join(f"eyJ{some(30)}" if i < 2 else some(40) for i in range(3))
# (a text, the secret in it)
SECRETS = [
    *[(f"key = {token!r}", token) for token in ("AKIA" + some(16, UPPER), "ASIA" + some(16, UPPER))],
    *[(f"url?key={token}", token) for token in ("AIza" + some(35), "ya29." + some(60))],
    *[(f"x {token} y", token) for token in (f"gh{kind}_{some(36)}" for kind in "pousr")],
    *[
        (f'call("{token}")', token)
        for token in (
            "github_pat_" + some(82),
            "glpat-" + some(20),
            "xoxb-" + some(12, string.digits) + "-" + some(24),
            "sk_" + "live_" + some(24),
            "rk_" + "test_" + some(24),
            "whsec_" + some(32),
            "sk-proj-" + some(48),
            "sk-ant-api03-" + some(93),
            "sk-" + some(48),
            "npm_" + some(36),
            "pypi-" + some(80),
            "hf_" + some(34),
            "SG." + some(22) + "." + some(43),
            "dop_v1_" + some(64, HEX),
            "dapi" + some(32, HEX),
            "shpat_" + some(32, HEX),
            "lin_api_" + some(40),
            "hvs." + some(30),
            some(9, string.digits) + ":AA" + some(33),
            "AGE-SECRET-KEY-1" + some(58, UPPER),
            "GOCSPX-" + some(28),
            JWT,
        )
    ],
    *[
        (code.replace("@@", value), value)
        for code, value in [
            ('db_password = "@@"', "tr0ub4dor&3x"),
            ("const apiKey: string = '@@';", some(32, HEX)),
            ('  "client_secret": "@@",', "aZ9-" + some(20)),
            ("AWS_SECRET_ACCESS_KEY=@@", some(40)),
            ("export API_TOKEN=@@  # mine", some(24) + "1a2b3c"),
            ("  password: @@", "q7w8e9r0t1y2"),
            ('connect(user="x", passwd="@@")', "s3cr3t!pass"),
            ('headers["X-Api-Key"] = "@@"', some(30)),
            ('set_header("X-Api-Key", "@@")', "a1b2c3d4e5f6" + some(12)),
            ("String token = `@@`;", "f9" + some(20)),
            ("postgres://shop:@@@db.internal:5432/shop", "Sup3rS3cret"),
            ("Authorization: Bearer @@", "a1B2c3D4e5" + some(30)),
            ("AccountName=x;AccountKey=@@;EndpointSuffix=core", some(86) + "=="),
            ('new Conn("Server=db;User=sa;Password=@@;")', "Pa55w0rdQ9"),
            (
                "https://hooks.slack.com/services/@@",
                "T" + some(8, UPPER) + "/B" + some(8, UPPER) + "/" + some(24),
            ),
        ]
    ],
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_secret_is_masked_and_nothing_else(text: str, secret: str) -> None:
    masked = mask_secrets(f"before\n{text}\nafter")
    assert secret not in masked
    assert masked == f"before\n{text}\nafter".replace(secret, "*" * len(secret))


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n"])
def test_private_key(kind: str, line_end: str) -> None:
    key = pem(kind, line_end)
    masked = mask_secrets(f"a = '{key}'\nb = 1\n")
    assert not any(line in masked for line in key.split(line_end)[1:-1])
    assert masked.count("\n") == f"a = '{key}'\nb = 1\n".count("\n")
    assert masked.endswith("b = 1\n")


def test_private_key_without_an_end() -> None:
    key = pem().split("\n")[:-1]
    masked = mask_secrets("\n".join([*key, "", "def f(): pass"]))
    assert key[1] not in masked
    assert masked.startswith("-----BEGIN RSA PRIVATE KEY-----\n***")


HARMLESS = """
password = get_password()
password = "changeme"
password = "<your password>"
token = "access_token"
TOKEN_URL = "https://example.com/oauth2/token"
api_key = os.environ["API_KEY_V2"]
self.token = tokenize.OP
secret = f"{prefix}{number:04d}"
password_field_1 = "password_field_1"
password = "%(password)s"
token: str = "utf-8-sig"
if password == "":
headers = {"X-Token-Name": "X-Auth-Token-2"}
const secretVersion = "v2.13.1-beta"
commit = "356a192b7913b04c54574d18c28d46e6395428ab"
url = "https://user@example.com:8080/path"
url = "https://user:password@example.com/"
url = "redis://localhost:6379/0"
sk-container-fluid-with-a-long-name
token = hash_of_token_2(value)
password: Optional[SecretStr1] = None
"tokens", "symbol2label"
ACCESS_KEY = 'AWSAccessKeyId'
begin = "-----BEGIN RSA PRIVATE KEY-----"
end = "-----END RSA PRIVATE KEY-----"
-----BEGIN CERTIFICATE-----
basic understanding of the bearer authentication scheme
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""


@pytest.mark.parametrize("line", HARMLESS.strip().splitlines())
def test_code_about_secrets_stays(line: str) -> None:
    assert mask_secrets(line) == line


@settings(max_examples=200)
@given(st.text(), st.sampled_from([text for text, _ in SECRETS]), st.text(), st.data())
def test_length_and_lines_stay(before: str, text: str, after: str, data: st.DataObject) -> None:
    whole = f"{before}\n{text}\n{after}"
    masked = mask_secrets(whole)
    assert len(masked) == len(whole)
    assert [char for char in masked if char.isspace()] == [char for char in whole if char.isspace()]
    assert mask_secrets(masked) == masked
    assert mask_around(whole, data.draw(st.integers(0, len(whole)))) == masked


def test_spans_are_in_order_and_apart() -> None:
    spans = find_secrets("\n".join(text for text, _ in SECRETS))
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert len(spans) >= len(SECRETS)


def test_cursor_inside_of_a_secret() -> None:
    text, secret = SECRETS[4]
    at = text.index(secret) + 10
    assert secret[:10] not in mask_around(text, at)


def test_long_lines_and_odd_texts_take_no_time() -> None:
    """Each of these makes a careless pattern try every place from every place."""
    for text in (
        "a" * 300_000,
        "password=" * 40_000,
        '"' * 200_000,
        "://a:" * 50_000,
        "=1" * 100_000,
        "-" * 200_000,
    ):
        assert len(mask_secrets(text)) == len(text)


NAMES = [
    *("passwd", "PASSWORD", "passphrase", "db_pwd", "clientSecret", "token", "credentials", "npm_auth"),
    *(
        f"{word}{mark}key"
        for word in ("api", "ACCESS", "Auth", "account", "private")
        for mark in ("", "_", "-")
    ),
    *("encryption_key", "ENCRYPTION-KEY", "signingKey"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("before", ["", "first = 1\n", "é = '日本'\n"])
def test_every_name_of_a_secret_is_found(name: str, before: str) -> None:
    """On whatever line: lines without such a name are not looked at."""
    text = f'{before}{name} = "h7Kq2vRt9LmX4w"\nlast = 2\n'
    assert mask_secrets(text) == text.replace("h7Kq2vRt9LmX4w", "*" * 14)


@pytest.mark.parametrize("name", ["Password", "Pwd", "PWD"])
def test_passwords_of_connections_may_stand_after_a_blank(name: str) -> None:
    text = f'"Server=db; {name} =h7Kq2v; Timeout=3"'
    assert mask_secrets(text) == text.replace("h7Kq2v", "*" * 6)
