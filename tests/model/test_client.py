"""The client against real hosts; against a fake socket only where no real host fails on demand."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from model.client import ModelClient
from model.families import FAMILIES, NONE, Family
from model.fim import family
from model.healing import grammar
from model.priority import Way
from model.protocol import (
    Endpoint,
    FimPrompt,
    GenerationOptions,
    HostState,
    HostUnavailable,
    ModelInfo,
    ModelRefused,
    Piece,
    PromptSnippet,
    SegmentKind,
    TokenPrompt,
    TokenSegment,
)
from model.supervisor import HostSpec, Supervisor
from tests.model.families import FixedSource, control_text, write_family
from tests.model.hosting import Host, eventually, running_host

PROMPT = FimPrompt("def area(r):\n    ", "\n\nprint(area(2))\n", "return ", "src/area.py", "shapes")
SHORT = GenerationOptions(n_predict=8)
ENDLESS = GenerationOptions(n_predict=100_000)


CHAT_TEMPLATE_KEY = "tokenizer.chat_template"
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def host(root: Path) -> Iterator[Host]:
    path = write_family(
        root / "edgewise.gguf", family("edgewise"), metadata={CHAT_TEMPLATE_KEY: CHAT_TEMPLATE}
    )
    with running_host(root, path, n_slots=1) as running:
        yield running


@pytest.fixture(scope="module")
def slow_host(root: Path) -> Iterator[Host]:
    """Large enough to be caught in the middle of an answer."""
    size = {"n_layer": 8, "n_embd": 512, "n_ctx": 16384}
    path = write_family(root / "edgewise-slow.gguf", family("edgewise"), **size)
    with running_host(root, path, n_slots=1, n_ctx=16384) as running:
        yield running


@pytest.fixture
async def client(host: Host) -> AsyncIterator[ModelClient]:
    client = ModelClient(FixedSource(host.endpoint))
    yield client
    await client.aclose()


async def answer(client: ModelClient, prompt: TokenPrompt, options: GenerationOptions = SHORT) -> list[Piece]:
    return [piece async for piece in client.complete(prompt, options)]


async def test_completes(client: ModelClient, host: Host) -> None:
    prompt = await client.build_prompt(PROMPT)
    *pieces, last = await answer(client, prompt)
    assert last.usage is not None
    assert last.usage.n_prompt == len(prompt.ids)
    assert last.usage.n_cached + last.usage.n_evaluated == len(prompt.ids)
    assert last.usage.n_generated == 8
    assert last.stop_reason == "limit"
    counts = [piece.usage.n_generated for piece in pieces if piece.usage]
    assert len(counts) == len(pieces)
    assert counts == sorted(set(counts))
    text = "".join(piece.text for piece in (*pieces, last))
    assert text == host.complete(prompt.ids, n_predict=8)["content"]


async def test_what_is_typed_is_all_that_is_evaluated(client: ModelClient) -> None:
    await answer(client, await client.build_prompt(PROMPT))
    grown = await client.build_prompt(replace(PROMPT, middle=PROMPT.middle + "3 * r"))
    usage = (await answer(client, grown))[-1].usage
    assert usage is not None
    assert usage.n_evaluated <= 8


async def test_each_piece_says_how_sure_the_model_is_where_that_is_wanted(
    client: ModelClient, host: Host
) -> None:
    prompt = await client.build_prompt(PROMPT)
    silent = await answer(client, prompt)
    telling = await answer(client, prompt, replace(SHORT, wants_likelihood=True))
    assert [piece.text for piece in telling] == [piece.text for piece in silent]
    assert {piece.likelihood for piece in silent} == {None}
    stated = host.complete(prompt.ids, n_predict=8, n_probs=1)["completion_probabilities"]
    of_all = math.prod(piece.likelihood or 1.0 for piece in telling)
    assert of_all == pytest.approx(math.exp(sum(one["logprob"] for one in stated)), rel=1e-3)


async def test_behind_half_a_word_the_model_is_as_sure_as_among_words_that_begin_so(
    client: ModelClient,
) -> None:
    half = await client.build_prompt(replace(PROMPT, middle="return ar", begun=" ar"))
    first = (await answer(client, half, replace(SHORT, wants_likelihood=True)))[0]
    assert first.likelihood is not None
    assert 0 < first.likelihood <= 1


async def test_half_a_word_is_written_once_more(client: ModelClient, host: Host) -> None:
    """The prompt is the one before the word; the answer goes on where the cursor stands."""
    half = replace(PROMPT, middle="return ar", begun=" ar")
    prompt = await client.build_prompt(half)
    assert prompt.begun == " ar"
    assert prompt.ids == (await client.build_prompt(replace(PROMPT, middle="return"))).ids
    *pieces, last = await answer(client, prompt)
    written = host.complete(prompt.ids, n_predict=9, grammar=grammar(" ar"))["content"]
    assert written.startswith(" ar")
    assert "".join(piece.text for piece in (*pieces, last)) == written.removeprefix(" ar")


async def test_an_engine_without_grammars_sees_the_half_word(host: Host) -> None:
    endpoint = replace(host.endpoint, info=replace(host.endpoint.info, engine="ctransformers"))
    client = ModelClient(FixedSource(endpoint))
    half = replace(PROMPT, middle="return ar", begun=" ar")
    prompt = await client.build_prompt(half)
    assert prompt.begun == ""
    assert prompt.ids == (await client.build_prompt(replace(half, begun=""))).ids
    await client.aclose()


async def test_whether_typing_is_append_only(client: ModelClient, host: Host) -> None:
    assert not client.is_append_only
    assert client.will_be_append_only(host.endpoint.info) == family("edgewise").joins_middle
    await client.build_prompt(PROMPT)
    assert client.is_append_only == family("edgewise").joins_middle
    alone = ModelClient(FixedSource(host.endpoint), "none")
    await alone.build_prompt(PROMPT)
    assert alone.is_append_only
    await alone.aclose()


async def test_prefill_makes_the_next_request_start_at_once(client: ModelClient) -> None:
    prompt = await client.build_prompt(replace(PROMPT, prefix="# unlike any other\n" * 20))
    filled = await client.prefill(prompt, slot=0)
    assert filled.n_evaluated > 100
    usage = (await answer(client, prompt, replace(SHORT, slot=0)))[-1].usage
    assert usage is not None
    assert usage.n_evaluated == 1


async def test_stop_words_end_the_answer(client: ModelClient) -> None:
    prompt = await client.build_prompt(PROMPT)
    whole = "".join(piece.text for piece in await answer(client, prompt))
    word = whole[len(whole) // 2 :][:2]
    *pieces, last = await answer(client, prompt, replace(SHORT, stop=(word,)))
    assert last.stop_reason == "word"
    assert "".join(piece.text for piece in pieces) == whole[: whole.find(word)]


async def test_a_stop_token_that_is_no_end_to_the_engine_ends_the_answer(root: Path) -> None:
    """llama.cpp goes on after `<filename>`; to Mellum it begins another file."""
    with running_host(root, write_family(root / "mellum.gguf", family("mellum")), n_slots=1) as host:
        token = host.endpoint.info.control_ids["<filename>"]
        forced = {"logit_bias": [[token, 100.0]], "return_tokens": True, "n_predict": 4}
        assert host.complete([5, 6], **forced)["tokens"] == [token] * 4

        answers = [(1, 5, "x"), (2, token, "<filename>"), (3, 6, "y")]
        stream = [
            event({"tokens": [found], "content": text, "stop": False, "timings": {"predicted_n": n}})
            for n, found, text in answers
        ]
        async with fake_host(*stream, LAST, END, info=host.endpoint.info, real=host) as source:
            client = ModelClient(source)
            *pieces, last = await answer(client, await client.build_prompt(PROMPT))
            await client.aclose()
    assert [piece.text for piece in pieces] == ["x"]
    assert last.stop_reason == "eos"
    assert last.usage is not None
    assert last.usage.n_generated == 2


async def test_closing_the_stream_frees_the_slot(slow_host: Host) -> None:
    client = ModelClient(FixedSource(slow_host.endpoint))
    prompt = await client.build_prompt(PROMPT)
    async with aclosing(client.complete(prompt, ENDLESS)) as pieces:
        assert (await anext(pieces)).text
        assert slow_host.get("/slots")[0]["is_processing"]
    await asyncio.to_thread(eventually, lambda: is_idle(slow_host), "the slot is free", 2.0)
    assert await answer(client, prompt)
    await client.aclose()


async def test_cancelling_the_task_frees_the_slot(slow_host: Host) -> None:
    client = ModelClient(FixedSource(slow_host.endpoint))
    prompt = await client.build_prompt(PROMPT)
    started = asyncio.Event()

    async def consume() -> None:
        async for _ in client.complete(prompt, ENDLESS):
            started.set()

    task = asyncio.create_task(consume())
    await started.wait()
    assert not is_idle(slow_host)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(eventually, lambda: is_idle(slow_host), "the slot is free", 2.0)
    await client.aclose()


def is_idle(host: Host) -> bool:
    return not any(slot["is_processing"] for slot in host.get("/slots"))


@pytest.mark.parametrize("is_prefill", [True, False])
async def test_a_prefill_that_nobody_waits_for_ends_with_its_batch(slow_host: Host, is_prefill: bool) -> None:
    """By itself llama-server looks for a client that went away once a second."""
    client = ModelClient(FixedSource(slow_host.endpoint))
    ids = tuple(random.Random(str(is_prefill)).choices(range(300, 400), k=12_000))
    whole, begin = (of_ids(ids[:n]) for n in (12_000, 600))
    task = asyncio.ensure_future(client.prefill(whole) if is_prefill else answer(client, whole))
    await asyncio.to_thread(eventually, lambda: not is_idle(slow_host), "the prompt is being read")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(eventually, lambda: is_idle(slow_host), "the slot is free")
    assert (await client.prefill(begin)).n_cached < 500
    await client.aclose()


async def test_requests_that_were_given_up_do_not_queue_in_the_engine(slow_host: Host) -> None:
    """A key before each batch has ended: the engine would begin every one of them, the newest last."""
    client = ModelClient(FixedSource(slow_host.endpoint))
    ids = tuple(random.Random("keys").choices(range(300, 400), k=4000))
    busy = asyncio.ensure_future(client.prefill(of_ids(ids)))
    await asyncio.to_thread(eventually, lambda: not is_idle(slow_host), "the prompt is being read")
    busy.cancel()
    for n_keys in range(30):
        given_up = asyncio.ensure_future(client.prefill(of_ids((*ids[:600], 300 + n_keys))))
        await asyncio.sleep(0)
        given_up.cancel()
    usage = await client.prefill(of_ids(ids[:600]))
    assert usage.n_cached + usage.n_evaluated == 600
    await asyncio.to_thread(eventually, lambda: is_idle(slow_host), "nothing is left to compute", 2.0)
    await client.aclose()


def of_ids(ids: tuple[int, ...]) -> TokenPrompt:
    return TokenPrompt((TokenSegment(SegmentKind.PREFIX, "", "", ids),))


async def test_chat_goes_through_the_template(client: ModelClient) -> None:
    *pieces, last = [
        piece
        async for piece in client.chat([{"role": "user", "content": "hi"}], GenerationOptions(n_predict=6))
    ]
    assert "".join(piece.text for piece in pieces)
    assert last.stop_reason in ("length", "stop")
    assert last.usage is not None
    assert last.usage.n_generated > 0


async def test_an_explanation_gives_way_to_a_completion(root: Path) -> None:
    """It lets go of its slot while a completion is computed, and goes on behind what it had said."""
    size = {"n_layer": 8, "n_embd": 512, "n_ctx": 4096}
    metadata = {CHAT_TEMPLATE_KEY: CHAT_TEMPLATE}
    path = write_family(root / "edgewise-chat.gguf", family("edgewise"), metadata=metadata, **size)
    way = Way()
    with running_host(root, path, n_slots=2, n_ctx=2048) as host:
        client = ModelClient(FixedSource(host.endpoint), way=way)
        options = GenerationOptions(n_predict=40)
        pieces = client.chat([{"role": "user", "content": "hi"}], options)
        told = [(await anext(pieces)).text for _ in range(3)]
        with way.taken():
            following = asyncio.ensure_future(anext(pieces))
            await asyncio.to_thread(
                eventually,
                lambda: not any(one["is_processing"] for one in host.get("/slots")),
                "no slot is busy",
            )
            assert await answer(client, await client.build_prompt(PROMPT))
            assert not following.done()
        told.append((await following).text)
        told += [piece.text async for piece in pieces]
        await client.aclose()
    assert 4 < len(list(filter(None, told))) <= 41


async def test_an_explanation_gives_way_while_its_prompt_is_read(root: Path) -> None:
    size = {"n_layer": 8, "n_embd": 512, "n_ctx": 16384}
    metadata = {CHAT_TEMPLATE_KEY: CHAT_TEMPLATE}
    path = write_family(root / "edgewise-long.gguf", family("edgewise"), metadata=metadata, **size)
    way = Way()
    with running_host(root, path, n_slots=2, n_ctx=8192) as host:
        client = ModelClient(FixedSource(host.endpoint), way=way)
        pieces = client.chat([{"role": "user", "content": "a, b = 1 " * 100}], GenerationOptions(n_predict=4))
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.to_thread(eventually, lambda: not is_idle(host), "the prompt is being read")
        with way.taken():
            await asyncio.to_thread(eventually, lambda: is_idle(host), "no slot is busy")
            assert not first.done()
        assert (await first).text
        *_, last = [piece async for piece in pieces]
        assert last.usage is not None
        await client.aclose()


async def test_a_model_without_a_template_is_not_asked(slow_host: Host) -> None:
    client = ModelClient(FixedSource(slow_host.endpoint))
    with pytest.raises(ModelRefused, match=r"has no chat template.*explain\.model"):
        await anext(client.chat([{"role": "user", "content": "hi"}], SHORT))
    await client.aclose()


async def test_many_requests_in_a_row(client: ModelClient) -> None:
    """A kept connection would have died silently by now."""
    prompt = await client.build_prompt(PROMPT)
    for index in range(130):
        await client.build_prompt(replace(PROMPT, middle=f"value_{index}"))
    for _ in range(30):
        assert (await answer(client, prompt, GenerationOptions(n_predict=1)))[-1].usage


async def test_proxies_of_the_environment_are_not_asked(
    client: ModelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await answer(client, await client.build_prompt(PROMPT))


async def test_info_says_what_the_family_is(client: ModelClient, host: Host) -> None:
    assert (await client.info()).family == "edgewise"
    overridden = ModelClient(FixedSource(host.endpoint), family="none")
    assert not (await overridden.info()).has_fim
    prompt = await overridden.build_prompt(PROMPT)
    assert [(part.kind, part.text) for part in prompt.segments] == [
        (SegmentKind.PREFIX, "def area(r):\n    return ")
    ]
    assert await answer(overridden, prompt)


async def test_an_unknown_family_is_refused(host: Host) -> None:
    with pytest.raises(ModelRefused, match='no FIM family "coder"'):
        await ModelClient(FixedSource(host.endpoint), family="coder").build_prompt(PROMPT)


async def test_a_prompt_never_exceeds_the_context(client: ModelClient, host: Host) -> None:
    huge = replace(PROMPT, prefix="value = 1\n" * 5000)
    prompt = await client.build_prompt(huge, budget_tokens=1_000_000)
    n_ctx = host.endpoint.info.n_ctx
    assert n_ctx // 2 < len(prompt.ids) <= n_ctx - 256
    assert (await answer(client, prompt))[-1].usage


async def test_a_prompt_that_no_context_holds_is_refused(client: ModelClient) -> None:
    source = client._source
    long = TokenPrompt((TokenSegment(SegmentKind.PREFIX, "", "x", (300,) * 5000),))
    with pytest.raises(
        ModelRefused, match=r"longer than the context of edgewise: set completion\.prompt_tokens lower"
    ):
        await answer(client, long)
    assert isinstance(source, FixedSource)
    assert not source.failures


# Every family, on a model file of its own


@pytest.mark.parametrize("row", (*FAMILIES, NONE), ids=lambda row: row.name)
async def test_every_family_completes_in_a_file_full_of_control_tokens(root: Path, row: Family) -> None:
    """The ids that steer the model stand exactly where the layout put them, whatever the file says."""
    text = control_text(FAMILIES)
    prompt = FimPrompt(
        text + "x = [", "]\n" + text, "1, ", "src/<s>.py", "<|repo_name|>", (PromptSnippet("a.py", text),)
    )
    path = write_family(root / f"every-{row.name}.gguf", row, n_ctx=8192, n_layer=1)
    with running_host(root, path, n_slots=1, n_ctx=8192) as host:
        client = ModelClient(FixedSource(host.endpoint))
        assert (await client.info()).family == row.name
        built = await client.build_prompt(prompt, budget_tokens=7900)
        control = host.endpoint.info.control_ids
        by_layout = [part.text for part in built.segments if part.text in control]
        names = {token: name for name, token in control.items()}
        assert [names[token] for token in built.ids if token in names] == by_layout
        assert set(by_layout) >= row.required - row.needs
        usage = (await answer(client, built))[-1].usage
        assert usage is not None
        assert usage.n_generated > 0
        await client.aclose()


# A host that goes away


async def test_a_killed_host_is_reported_and_the_next_one_serves(root: Path) -> None:
    statuses: list[HostState] = []
    size = {"n_layer": 8, "n_embd": 512, "n_ctx": 16384}  # still answering when the signal arrives
    path = write_family(root / "edgewise-killed.gguf", family("edgewise"), **size)
    spec = HostSpec(path, n_slots=1, n_ctx=16384, idle_exit_s=0.0)
    supervisor = Supervisor(
        spec, lambda status: statuses.append(status.state), runtime_root=root, backoff_s=(0.05,) * 4
    )
    client = ModelClient(supervisor)
    prompt = await client.build_prompt(PROMPT)
    pieces = client.complete(prompt, ENDLESS)
    await anext(pieces)
    os.kill(_pid_of(await supervisor.connect()), signal.SIGKILL)
    with pytest.raises(HostUnavailable, match="The engine host of edgewise"):
        async for _ in pieces:
            pass
    assert await answer(client, prompt)
    assert statuses.count(HostState.READY) == 2
    await client.aclose()
    await supervisor.aclose()


def _pid_of(endpoint: Endpoint) -> int:
    ready = json.loads((Path(endpoint.socket_path).parent / "host.json").read_text("utf-8"))
    return int(ready["pid"])


async def test_no_host_at_all(host: Host, root: Path) -> None:
    source = FixedSource(replace(host.endpoint, socket_path=str(root / "nothing.sock")))
    with pytest.raises(HostUnavailable, match="edgewise does not answer: it is started again"):
        await ModelClient(source).build_prompt(PROMPT)
    assert source.failures == [source.endpoint]


# What no real host does on demand

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(fields: dict[str, object]) -> bytes:
    return chunk(b"data: " + json.dumps(fields).encode() + b"\n\n")


def plain(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@asynccontextmanager
async def fake_host(
    *chunks: bytes, info: ModelInfo, real: Host, n_deaf: int = 0
) -> AsyncIterator[FixedSource]:
    """Answers `/completion` with these bytes and ends; passes `/tokenize` on to a real host.

    The first `n_deaf` connections are closed without a word.
    """
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body = json.loads(await reader.readexactly(size))
        if served <= n_deaf:
            data = b""
        elif b"/tokenize" in head:
            tokens = await asyncio.to_thread(real.post, "/tokenize", body)
            data = plain(200, json.dumps(tokens).encode())
        else:
            data = b"".join(chunks) if chunks[0].startswith(b"HTTP") else HEAD + b"".join(chunks)
        writer.write(data)
        await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        path = str(Path(folder) / "fake.sock")
        async with await asyncio.start_unix_server(serve, path):
            yield FixedSource(Endpoint(info, path))


A = event({"content": "a", "tokens": [300], "stop": False})
LAST = event({"content": "", "stop": True, "stop_type": "eos", "timings": {"cache_n": 1, "prompt_n": 2}})


TOKENS = TokenPrompt((TokenSegment(SegmentKind.PREFIX, "", "x", (300, 301, 302)),))


@pytest.mark.parametrize("n_deaf", [0, 1])
async def test_a_connection_closed_without_a_word_is_tried_once_more(host: Host, n_deaf: int) -> None:
    async with fake_host(A, LAST, END, info=host.endpoint.info, real=host, n_deaf=n_deaf) as source:
        client = ModelClient(source)
        pieces = await answer(client, await client.build_prompt(PROMPT))
        await client.aclose()
    assert [(piece.text, piece.stop_reason) for piece in pieces] == [("a", ""), ("", "eos")]
    assert not source.failures


@pytest.mark.parametrize(
    ("chunks", "n_deaf", "message"),
    [
        pytest.param((A, LAST, END), 2, "does not answer", id="deaf twice"),
        pytest.param((A,), 0, "broke off its answer", id="cut within the stream"),
        pytest.param((A, END), 0, "broke off its answer", id="ended without a last event"),
        pytest.param((A, chunk(b"data: {oops\n\n"), END), 0, "broke off its answer", id="not JSON"),
        pytest.param(
            (A, event({"error": {"code": 500, "message": "x"}}), END),
            0,
            r"failed \(HTTP 500\)",
            id="error event",
        ),
        pytest.param((plain(500, b'{"error":{"code":500}}'),), 0, r"failed \(HTTP 500\)", id="HTTP 500"),
        pytest.param(
            (event({"stop": True, "timings": 7}), END), 0, "broke off its answer", id="another shape"
        ),
        pytest.param((plain(503, b"loading"),), 0, r"failed \(HTTP 503\)", id="HTTP 503 in words"),
        pytest.param((b"HTTP nonsense\r\n\r\n",), 0, "does not answer", id="not HTTP"),
    ],
)
async def test_faults_on_the_wire(host: Host, chunks: tuple[bytes, ...], n_deaf: int, message: str) -> None:
    async with fake_host(*chunks, info=host.endpoint.info, real=host, n_deaf=n_deaf) as source:
        client = ModelClient(source)
        with pytest.raises(HostUnavailable, match=message):
            await answer(client, TOKENS)
        assert set(map(id, source.failures)) == {id(source.endpoint)}
        await client.aclose()


async def test_a_refused_request_names_no_prompt(host: Host) -> None:
    body = b'{"error":{"code":400,"type":"invalid_request_error","message":"last read: secret_code"}}'
    async with fake_host(plain(400, body), info=host.endpoint.info, real=host) as source:
        client = ModelClient(source)
        with pytest.raises(ModelRefused, match=r"refused a request \(HTTP 400\)") as caught:
            await answer(client, TOKENS)
        assert "secret" not in str(caught.value)
        assert not source.failures
        await client.aclose()


async def test_redirects_are_not_followed(host: Host) -> None:
    body = b"HTTP/1.1 302 Found\r\nLocation: http://localhost/elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with fake_host(body, info=host.endpoint.info, real=host) as source:
        client = ModelClient(source)
        with pytest.raises(ModelRefused, match="HTTP 302"):
            await answer(client, TOKENS)
        await client.aclose()
