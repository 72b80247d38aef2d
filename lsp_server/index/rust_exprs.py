"""Rust's types and values as the type expressions of `facts.py`. Pure text.

Runs in the index worker and in the session. `code` is source whose strings and comments are blanked. What a
type only wraps (`&T`, `Box<T>`, `Option<T>`, `Result<T, E>`) is taken for what is in it, and what only
unwraps (`?`, `.unwrap()`, `.lock()`) for nothing: the members that are wanted are those of `T`.
"""

from __future__ import annotations

import re

from lsp_server.index.curly import chain_start, closing, parts
from lsp_server.index.facts import Exprs

_MAX_STEPS = 10
_MAX_CHARS = 120
_MAX_NESTED = 5
_REACH = 400

_WRAPPING = (
    "Box Rc Arc RefCell Cell Mutex RwLock Cow Pin Ref RefMut MutexGuard Weak Option Result OnceCell LazyLock"
)
_COLLECTING = "Vec VecDeque HashMap BTreeMap HashSet BTreeSet IndexMap Iterator IntoIterator Receiver"
_WRAPPERS, _MANY = frozenset(_WRAPPING.split()), frozenset(_COLLECTING.split())
_BASIC_NAMES = (
    "bool char str String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 fn if match loop while"
    " for return break continue let move unsafe async in as true false None else const static where use mod"
)
_BASIC = frozenset(_BASIC_NAMES.split())
_UNWRAPPING = (
    "unwrap expect as_ref as_mut clone borrow borrow_mut lock read write iter iter_mut into_iter values"
    " values_mut unwrap_or_default ok to_owned cloned copied await get_mut as_deref as_deref_mut"
)
_TAKING = "first last next get pop pop_front pop_back first_mut last_mut remove"
_NOTHING, _ONE_OF = frozenset(_UNWRAPPING.split()), frozenset(_TAKING.split())

_BEFORE_TYPE = re.compile(r"(?:\s|&|\*|'\w+|\bmut\b|\bdyn\b|\bimpl\b|\bconst\b|\bfor<[^>]*>)*+")
_NAME = re.compile(r"[^\W\d]\w*+(?:\s*+::\s*+[^\W\d]\w*+)*+")
_BEFORE_VALUE = re.compile(r"(?:\s|&|\*|\(|\bmut\b)*+")
_HEAD = re.compile(r"[^\W\d]\w*+")
_TURBOFISH = re.compile(r"::<[^;(){}]{1,80}?>(?=\s*[(:.])")
_MEMBER = re.compile(r"\s*+(?:\.|::)\s*+([^\W\d]\w*+)")
_END_OF_RECEIVER = re.compile(r"(?:\.|::)[ \t]*\w*\Z")


def annotation(code: str, owner: str = "", depth: int = 0) -> Exprs:
    """Of a type as it is written: `&[pkg::T]` and `Vec<pkg::T>` are many of `pkg.T()`."""
    match = _BEFORE_TYPE.match(code)
    code = code[match.end() :].rstrip() if match else code
    if depth > _MAX_NESTED:
        return ()
    if code.startswith("["):
        return _many(annotation(code[1:].partition(";")[0].rstrip("]"), owner, depth + 1))
    named = _NAME.match(code)
    if named is None or named[0] in _BASIC:
        return ()
    name = re.sub(r"\s*::\s*", ".", named[0])
    last, rest = name.rpartition(".")[2], code[named.end() :].lstrip()
    if (last in _WRAPPERS or last in _MANY) and rest.startswith("<"):
        inner = [part for part in parts(rest[1 : rest.rfind(">")], angles="<>") if not part.startswith("'")]
        chosen = inner[-1 if last in _MANY else 0].partition("=")[2] if "=" in rest else ""
        chosen = chosen or (inner[-1 if last in _MANY else 0] if inner else "")
        found = annotation(chosen, owner, depth + 1)
        return _many(found) if last in _MANY else found
    if name == "Self":
        name = owner
    return (f"{name}()",) if name else ()


def _many(found: Exprs) -> Exprs:
    return tuple(f"*{expr}" for expr in found)


def value(code: str, start: int, owner: str = "") -> Exprs:
    """Of the value that begins at `start`."""
    before = _BEFORE_VALUE.match(code, start)
    start = before.end() if before else start
    head = _HEAD.match(code, start)
    if head is None or head[0] in _BASIC:
        return ()
    name, position = head[0], head.end()
    if code.startswith("!", position):
        return ()
    if name in ("Some", "Ok") and code.startswith("(", position):
        return value(code, position + 1, owner)
    if name == "Self":
        name = owner
    expr = f"{name}{_steps(code, position, is_type=head[0][:1].isupper())}"
    return (expr,) if name and len(expr) <= _MAX_CHARS else ()


def _steps(code: str, position: int, *, is_type: bool) -> str:
    """What follows a name: members, calls, elements. A type with a curly bracket is made."""
    found = ""
    for _ in range(_MAX_STEPS):
        if turbofish := _TURBOFISH.match(code, position):
            position = turbofish.end()
        following = code[position : position + 1]
        if following == "?":
            position += 1
        elif following == "(":
            found, position = f"{found}()", closing(code, position)
        elif following == "[":
            found, position = f"{found}[]", closing(code, position)
        elif member := _MEMBER.match(code, position):
            is_call = code.startswith("(", member.end())
            position = member.end()
            if member[1] in _NOTHING and (is_call or member[1] == "await"):
                position = closing(code, position) if is_call else position
            elif member[1] in _ONE_OF and is_call:
                found, position = f"{found}{_one_of(member[1])}", closing(code, position)
            else:
                found, is_type = f"{found}.{member[1]}", member[1][:1].isupper()
        else:
            made = is_type and code[position : position + 2].strip()[:1] == "{"
            return f"{found}()" if made else found
    return found


def _one_of(name: str) -> str:
    return f".{name}()" if name in ("get", "pop") else "[]"


def receiver(code: str) -> tuple[str, bool]:
    """(the expression before the dot that `code` ends with, whether there is one)"""
    end = _END_OF_RECEIVER.search(code, max(0, len(code) - _REACH))
    if end is None:
        return "", False
    before = code[max(0, end.start() - _REACH) : end.start()].replace("?", "").replace("::", ".")
    found = value(before, chain_start(before))
    return (found[0] if found else ""), True
