"""Files that never enter the index, nor any prompt made from it: told by name, before they are opened.

Runs in the session and in the index worker. Pure. No setting and no `!pattern` brings such a file back.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath

from pathspec import GitIgnoreSpec

_SECRET_NAMES = """
.env
.env.*
*.env
.envrc
*.pem
*.key
*.p12
*.pfx
*.p8
*.jks
*.keystore
*.kdbx
*.asc
*.gpg
*.pgp
*.ppk
*.crt
*.cer
*.der
*.ovpn
id_rsa*
id_dsa*
id_ecdsa*
id_ed25519*
.netrc
_netrc
.pgpass
.my.cnf
.npmrc
.yarnrc.yml
.pypirc
.htpasswd
.git-credentials
.dockercfg
.dockerconfigjson
.docker/config.json
.aws/
.azure/
.gnupg/
.ssh/
.kube/
.gcloud/
*.tfvars
*.tfvars.json
*.tfstate
*.tfstate.*
credentials
credentials.*
*-credentials.*
*_credentials.json
client_secret*.json
service-account*.json
service_account*.json
secret
secrets
secret.*
secrets.*
*.secret
*.secrets
"""

# Source code about secrets is source code: only files of these kinds may be taken for what their name says.
_CODE_SUFFIXES = frozenset(
    [
        ".py",
        ".pyi",
        ".js",
        ".mjs",
        ".cjs",
        ".jsx",
        ".ts",
        ".mts",
        ".cts",
        ".tsx",
        ".go",
        ".rs",
        ".java",
        ".c",
        ".h",
        ".cc",
        ".cpp",
        ".cxx",
        ".hpp",
        ".hh",
        ".hxx",
    ]
)
_SPEC = GitIgnoreSpec.from_lines(_SECRET_NAMES.split())
_ALWAYS = GitIgnoreSpec.from_lines(
    [".env", ".env.*", ".aws/", ".azure/", ".gnupg/", ".ssh/", ".kube/", ".gcloud/"]
)


@cache
def _is_secret_name(name: str) -> bool:
    spec = _ALWAYS if PurePosixPath(name).suffix.lower() in _CODE_SUFFIXES else _SPEC
    return spec.match_file(name) or spec.match_file(name.lower())


@cache
def _is_secret_folder(name: str) -> bool:
    return _ALWAYS.match_file(f"{name}/")


def is_secret(relative_path: str) -> bool:
    """`relative_path` has forward slashes; a folder ends with one."""
    parts = relative_path.rstrip("/").split("/")
    folders = parts if relative_path.endswith("/") else parts[:-1]
    return any(_is_secret_folder(folder) for folder in folders) or _is_secret_name("/".join(parts[-2:]))
