"""Files with secrets are told by name; code about secrets is code."""

from __future__ import annotations

import pytest

from lsp_server.index.secrets import is_secret


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "app/.env.production",
        ".env.py",
        "server.pem",
        "tls/site.key",
        "cert.crt",
        "id_rsa",
        "id_ed25519.pub",
        "home/.ssh/config.py",
        ".aws/credentials",
        ".netrc",
        "keystore.jks",
        "client_secret_1.json",
        "a/.npmrc",
        "terraform.tfvars",
        "SERVER.PEM",
        ".git-credentials",
        "credentials.json",
        "secrets.yaml",
        ".envrc",
        "service-account-prod.json",
        ".ssh/",
        "x.p12",
    ],
)
def test_secret(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        "environment.py",
        "secrets.py",
        "lib/credentials.ts",
        "keys.go",
        "secrets/store.py",
        "certificate.rs",
        "env/main.py",
    ],
)
def test_code_about_secrets_is_no_secret(path: str) -> None:
    assert not is_secret(path)
