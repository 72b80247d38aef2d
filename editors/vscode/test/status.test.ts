import { describe, expect, it } from 'vitest';
import { FOR_GOOD, RUNNING, snooze } from '../src/pause';
import { view, type Knowledge, type ServerStatus } from '../src/status';

const STATUS: ServerStatus = {
  state: 'ready', message: '', model: 'builtin', engine: 'llama_cpp', family: 'edgewise', note: '',
  index: { ready: true, files: 12, symbols: 40, done: 12, total: 12, doing: 'adding words and types' },
};

function known(change: Partial<Knowledge> = {}): Knowledge {
  return {
    process: { kind: 'running', status: STATUS }, pause: RUNNING, now: 0, isComputing: false, work: '', off: '', ...change,
  };
}

function withStatus(change: Partial<ServerStatus>): Knowledge {
  return known({ process: { kind: 'running', status: { ...STATUS, ...change } } });
}

describe('view', () => {
  it.each([
    ['ready', known(), '$(sparkle) edgewise'],
    ['computing', known({ isComputing: true }), '$(loading~spin) edgewise'],
    ['loading', known({ process: { kind: 'starting' } }), '$(loading~spin) edgewise: starting'],
    ['loading', known({ process: { kind: 'running' } }), '$(loading~spin) edgewise: starting'],
    ['loading', withStatus({ state: 'starting' }), '$(loading~spin) edgewise: loading the model'],
    ['loading', withStatus({ state: 'restarting' }), '$(loading~spin) edgewise: restarting the model'],
    ['loading', withStatus({ index: { ready: false, files: 0, symbols: 0, done: 3, total: 8, doing: 'reading' } }), '$(loading~spin) edgewise: reading 37 %'],
    [
      'loading', withStatus({ index: { ready: false, files: 0, symbols: 0, done: 1, total: 8, doing: 'adding words and types' } }),
      '$(loading~spin) edgewise: adding words and types 12 %',
    ],
    ['loading', known({ work: 'fetching 12 %' }), '$(loading~spin) edgewise: fetching 12 %'],
    ['paused', known({ pause: { kind: 'paused', until: FOR_GOOD } }), '$(debug-pause) edgewise: paused'],
    ['paused', known({ pause: snooze(0, 5), now: 61_000 }), '$(debug-pause) edgewise: paused, 4 min left'],
    ['off', known({ off: 'Switched off.' }), '$(circle-slash) edgewise: off here'],
    ['failed', withStatus({ state: 'failed', message: 'No such model.' }), '$(error) edgewise: failed'],
    ['failed', known({ process: { kind: 'missing', problem: 'Not there.' } }), '$(error) edgewise: not installed'],
    ['failed', known({ process: { kind: 'failed', problem: 'Ended.' } }), '$(error) edgewise: failed'],
  ])('is %s', (kind, knowledge, text) => expect(view(knowledge)).toMatchObject({ kind, text }));

  it('says what a failed model needs', () =>
    expect(view(withStatus({ state: 'failed', message: 'No such model.' })).detail).toBe('No such model.'));
  it('prefers a failure to a pause', () =>
    expect(view(known({ process: { kind: 'failed', problem: 'x' }, pause: { kind: 'paused', until: FOR_GOOD } })).kind).toBe('failed'));
  it('forgets a snooze that is over', () => expect(view(known({ pause: snooze(0, 5), now: 300_000 })).kind).toBe('ready'));
  it('describes model and index', () =>
    expect(view(known()).detail).toBe('Model builtin on llama_cpp. 12 files with 40 symbols are indexed.'));
  it.each([
    [known(), 'Model builtin. 12 files, 40 symbols.'],
    [withStatus({ model: '' }), 'The model starts with the first suggestion. 12 files, 40 symbols.'],
    [withStatus({ index: { ready: false, files: 0, symbols: 0, done: 3, total: 8, doing: 'reading' } }), 'Now reading: 3 of 8 files.'],
    [known({ process: { kind: 'failed', problem: 'The server /a/long/path ended.' } }), 'Read the log, then choose Restart.'],
    [known({ off: 'Switched off.' }), 'Switched off.'],
  ])('has a line that the menu does not cut', (knowledge, brief) => expect(view(knowledge).brief).toBe(brief));
});
