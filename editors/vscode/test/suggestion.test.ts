import { describe, expect, it } from 'vitest';
import { Given, idOf } from '../src/suggestion';

const item = (command: string, id: unknown) => ({ insertText: 'a', command: { title: '', command, arguments: [id] } });

describe('idOf', () => {
  it.each([
    ['an array', [item('edgewise.accepted', 'a'), item('edgewise.accepted', 'b')], 'a'],
    ['a list', { items: [item('edgewise.accepted', 'a')] }, 'a'],
    ['nothing', null, undefined],
    ['no items', { items: [] }, undefined],
    ['an item without a command', [{ insertText: 'a' }], undefined],
    ['a command that is not ours', [item('other.accepted', 'a')], undefined],
    ['an id that is no text', [item('edgewise.accepted', 7)], undefined],
  ])('of %s', (_name, result, id) => expect(idOf(result, 'edgewise.accepted')).toBe(id));
});

describe('Given', () => {
  it('is taken once, and is what was given last', () => {
    const given = new Given();
    given.give('a');
    given.give('b');
    expect([given.take(), given.take()]).toEqual(['b', undefined]);
  });
  it('is nothing after an answer without a suggestion', () => {
    const given = new Given();
    given.give('a');
    given.give(undefined);
    expect(given.take()).toBeUndefined();
  });
});
