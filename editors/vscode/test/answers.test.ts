import { describe, expect, it } from 'vitest';
import { applyEdits, parseAnswer } from '../src/answers';

const edit = (start: [number, number], end: [number, number], newText: string) => ({
  range: { start: { line: start[0], character: start[1] }, end: { line: end[0], character: end[1] } }, newText,
});

describe('parseAnswer', () => {
  const change = edit([0, 0], [0, 0], 'x');
  it.each([
    [{ edits: [change] }, { kind: 'edits', edits: [change] }],
    [{ edits: [change], uri: 'file:///t.py' }, { kind: 'edits', edits: [change], uri: 'file:///t.py' }],
    [{ markdown: '# a' }, { kind: 'markdown', markdown: '# a' }],
    [{ kind: 'markdown', value: '# a' }, { kind: 'markdown', markdown: '# a' }],
    [{ sentence: 'No model.' }, { kind: 'sentence', sentence: 'No model.' }],
    [{ edits: [], sentence: 'No model.' }, { kind: 'sentence', sentence: 'No model.' }],
  ])('reads %j', (value, answer) => expect(parseAnswer(value)).toEqual(answer));

  it.each([null, undefined, 7, 'text', [], {}, { edits: [{ newText: 'x' }] }, { edits: 'x' }, { sentence: '' }])(
    'makes a sentence of %j', (value) => expect(parseAnswer(value).kind).toBe('sentence'));
});

describe('applyEdits', () => {
  it.each([
    ['abc\n', [edit([0, 1], [0, 2], 'X')], 'aXc\n'],
    ['a\nb\n', [edit([1, 0], [1, 0], '# doc\n')], 'a\n# doc\nb\n'],
    ['a\r\nb\r\n', [edit([1, 0], [1, 1], 'B')], 'a\r\nB\r\n'],
    ['a\nb', [edit([0, 0], [0, 1], 'A'), edit([1, 0], [1, 1], 'B')], 'A\nB'],
    ['a\nb\nc', [edit([0, 1], [2, 0], '')], 'ac'],
    ['a', [edit([9, 9], [9, 9], '!')], 'a!'],
    ['', [edit([0, 0], [0, 0], 'new')], 'new'],
  ])('of %j', (text, edits, after) => expect(applyEdits(text, edits)).toBe(after));

  it('keeps the order of insertions at one place', () =>
    expect(applyEdits('z', [edit([0, 0], [0, 0], 'a'), edit([0, 0], [0, 0], 'b')])).toBe('abz'));
});
