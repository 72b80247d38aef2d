/**
 * What the server answers to `edgewise.document`, `edgewise.tests` and `edgewise.fix`, read with suspicion. Pure.
 *
 * `{edits: [{range, newText}], uri?}`: a change to look at (`uri` when it is another file than the one asked about);
 * `{markdown}` or a MarkupContent: something to read; `{sentence}`: why there is neither.
 */

export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface Edit {
  readonly range: { readonly start: Place; readonly end: Place };
  readonly newText: string;
}

export type Answer =
  | { readonly kind: 'edits'; readonly edits: readonly Edit[]; readonly uri?: string }
  | { readonly kind: 'markdown'; readonly markdown: string }
  | { readonly kind: 'sentence'; readonly sentence: string };

const NOTHING: Answer = { kind: 'sentence', sentence: 'The server has nothing to propose here.' };

export function parseAnswer(value: unknown): Answer {
  if (!isObject(value)) {
    return NOTHING;
  }
  if (Array.isArray(value['edits']) && value['edits'].length > 0 && value['edits'].every(isEdit)) {
    const uri = typeof value['uri'] === 'string' ? { uri: value['uri'] } : {};
    return { kind: 'edits', edits: value['edits'], ...uri };
  }
  const markdown = textOf(value, value['kind'] === 'markdown' ? 'value' : 'markdown');
  if (markdown !== '') {
    return { kind: 'markdown', markdown };
  }
  const sentence = textOf(value, 'sentence');
  return sentence === '' ? NOTHING : { kind: 'sentence', sentence };
}

function textOf(value: Record<string, unknown>, name: string): string {
  const text = value[name];
  return typeof text === 'string' ? text : '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isEdit(value: unknown): value is Edit {
  return isObject(value) && typeof value['newText'] === 'string' && isObject(value['range'])
    && isPlace(value['range']['start']) && isPlace(value['range']['end']);
}

function isPlace(value: unknown): value is Place {
  return isObject(value) && Number.isInteger(value['line']) && Number.isInteger(value['character']);
}

/** The text after the edits, whose places all mean the text before. Lines end with \n, \r\n or \r. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (end) => end.index + end[0].length)];
  const offset = (place: Place): number =>
    Math.min((starts[place.line] ?? text.length) + place.character, (starts[place.line + 1] ?? text.length + 1) - 1, text.length);
  const cuts = edits.map(({ range, newText }, index) => ({ index, start: offset(range.start), end: offset(range.end), text: newText }));
  cuts.sort((a, b) => b.start - a.start || b.index - a.index);
  return cuts.reduce((after, cut) => after.slice(0, cut.start) + cut.text + after.slice(Math.max(cut.start, cut.end)), text);
}
