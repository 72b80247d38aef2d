import { describe, expect, it, vi } from 'vitest';
import { collectSet, serverSettings } from '../src/configuration';
import { parseLink, toHtml } from '../src/markdown';
import { entries, percent, type ModelRow } from '../src/modelRows';
import { Notices } from '../src/notices';
import { parseOutput, run } from '../src/processes';
import { toMarkdown } from '../src/reports';
import { Restarts } from '../src/restarts';
import { LineLogger } from '../src/serverLog';
import { isOlder } from '../src/versions';

describe('Restarts', () => {
  it('waits longer each time and gives up at the fifth death', () => {
    const restarts = new Restarts();
    expect([0, 1, 2, 3, 4].map((at) => restarts.next(at))).toEqual([500, 1000, 2000, 4000, undefined]);
  });
  it('forgets what is long ago', () => {
    const restarts = new Restarts();
    [0, 1, 2, 3].forEach((at) => restarts.next(at));
    expect(restarts.next(200_000)).toBe(500);
  });
  it('starts anew when a person asks', () => {
    const restarts = new Restarts();
    [0, 1, 2, 3, 4].forEach((at) => restarts.next(at));
    restarts.forget();
    expect(restarts.next(5)).toBe(500);
  });
});

describe('isOlder', () => {
  it.each([
    ['0.1.0', '0.2.0', true], ['0.2.0', '0.2.0', false], ['0.10.0', '0.9.9', false], ['1', '1.0.1', true],
    ['0.2.0rc1', '0.2.0', false], ['', '0.1.0', true], ['nonsense', '0.1.0', true],
  ])('%s < %s is %s', (version, wanted, answer) => expect(isOlder(version, wanted)).toBe(answer));
});

describe('Notices', () => {
  it('tells each cause once, until it is gone', async () => {
    const show = vi.fn().mockResolvedValue(undefined);
    const notices = new Notices(show);
    await notices.tell('a', 'one');
    await notices.tell('a', 'two');
    await notices.tell('b', 'three');
    notices.forget('a');
    await notices.tell('a', 'four');
    expect(show.mock.calls).toEqual([['one'], ['three'], ['four']]);
  });
  it('runs the button that was pressed', async () => {
    const pressed = vi.fn();
    await new Notices(() => Promise.resolve('Restart')).tell('a', 'one', { Restart: pressed, Log: vi.fn() });
    expect(pressed).toHaveBeenCalledOnce();
  });
});

describe('configuration', () => {
  const properties = { 'edgewise.vscode.executable': { scope: 'machine' }, 'edgewise.model.name': { scope: 'machine' }, 'edgewise.log.level': {} };
  const { names, machine } = serverSettings(properties);
  const configuration = (found: object) => ({ get: () => 'effective', inspect: () => found });

  it('keeps its own settings to itself', () => {
    expect(names).toEqual(['model.name', 'log.level']);
    expect([...machine]).toEqual(['model.name']);
  });
  it('sends nothing that nobody set', () => expect(collectSet(names, machine, configuration({ defaultValue: 1 }))).toEqual({}));
  it('sends what a person set', () =>
    expect(collectSet(names, machine, configuration({ globalValue: 'mine' }))).toEqual({ 'model.name': 'mine', 'log.level': 'effective' }));
  it('takes no machine setting from a workspace', () =>
    expect(collectSet(names, machine, configuration({ workspaceValue: 'theirs' }))).toEqual({ 'log.level': 'effective' }));
});

describe('markdown', () => {
  it.each([
    ['src/money.py#L19', { path: 'src/money.py', line: 19 }], ['a%20b.py', { path: 'a b.py', line: 1 }], ['x.py#L0', { path: 'x.py', line: 1 }],
    ['https://a.b/c', undefined], ['command:x', undefined], ['//host/x', undefined], ['file:///etc/passwd', undefined], ['#L3', undefined], ['%', undefined],
  ])('parseLink(%s)', (href, link) => expect(parseLink(href)).toEqual(link));

  it.each(['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '[x](javascript:alert(1))'])(
    'makes nothing that runs or loads of %s', (text) => expect(toHtml(text)).not.toMatch(/<script|<img|<a /));
  it('loads no picture', () => expect(toHtml('![x](http://a.b/c.png)')).not.toContain('<img'));
});

describe('models', () => {
  const row: ModelRow = {
    name: 'big', title: 'Big', use: 'completion', licence: 'MIT', path: '', size_bytes: 1.65e9, memory_bytes: 1.9e9, room: 'no', engine: 'llama_cpp', problem: '',
  };
  it('shows those that are here first', () =>
    expect(entries([row, { ...row, name: 'builtin', path: '/m' }], 'builtin').map((entry) => entry.label)).toEqual(['$(check) builtin', '$(cloud-download) big']));
  it('says size and room', () => {
    const [entry] = entries([row], '');
    expect(entry).toMatchObject({ description: '1.6 GB to fetch', detail: 'Big · 1.9 GB of memory, does not fit here · MIT' });
  });
  it('says how fast it would be, once that is known', () =>
    expect(entries([{ ...row, forecast: { keystroke_p50_ms: 81.7 } }], '')[0]?.detail).toContain('a suggestion in about 82 ms'));
  it('leaves out what does not complete', () => expect(entries([{ ...row, use: 'explain' }], '')).toEqual([]));
  it.each([[50, 200, 25], [0, 0, undefined], [300, 200, undefined]])('percent(%d, %d)', (done, size, answer) => expect(percent(done, size)).toBe(answer));
});

describe('reports', () => {
  it.each([
    ['text', 'text'], [{ markdown: '# m' }, '# m'], [{ sentences: ['One.', 'Two.'] }, '# T\n\nOne.\n\nTwo.\n'],
    [{ n_shown: 3, answer_ms: { p50: 12 } }, '# T\n\n- shown: `3`\n- answer ms\n  - p50: `12`\n'],
  ])('of %j', (value, markdown) => expect(toMarkdown('T', value)).toBe(markdown));
});

describe('LineLogger', () => {
  it('puts whole lines at their levels', () => {
    const seen: string[] = [];
    const at = (level: string) => (line: string) => void seen.push(`${level} ${line}`);
    const logger = new LineLogger({ error: at('e'), warn: at('w'), info: at('i'), debug: at('d') });
    ['WARNING a: b\nERR', 'OR c\n\nDEBUG d\nTraceback', ' of x\n'].forEach((text) => logger.take(text));
    expect(seen).toEqual(['w WARNING a: b', 'e ERROR c', 'i DEBUG d', 'i Traceback of x']);
  });
});

describe('processes', () => {
  const node = (code: string) => run(process.execPath, ['-e', code], process.cwd());

  it('reads the JSON of a command', async () => expect(parseOutput(await node('console.log(JSON.stringify({ a: 1 }))'))).toEqual({ a: 1 }));
  it('raises the sentence of an error', async () => {
    const finished = await node('console.log(JSON.stringify({ error: "No such model." })); process.exitCode = 1');
    expect(() => parseOutput(finished)).toThrow('No such model.');
  });
  it('raises the last line of what is no JSON', async () => {
    const finished = await node('console.error("one\\ntwo"); process.exitCode = 3');
    expect(() => parseOutput(finished)).toThrow('two');
  });
  it('says so when a program cannot be run', async () => expect(run('/no/such/program', [], '/')).rejects.toThrow('ENOENT'));
});
