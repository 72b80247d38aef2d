/** What the server says of itself, as a document: why there was no suggestion, and its statistics. Pure. */

/** Markdown of an answer of `edgewise.why` or `edgewise.stats`: its own text where it has one, else its values. */
export function toMarkdown(title: string, value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  for (const name of ['markdown', 'value', 'sentence']) {
    const text = isObject(value) ? value[name] : undefined;
    if (typeof text === 'string') {
      return text;
    }
  }
  const sentences = isObject(value) ? value['sentences'] : undefined;
  const body = Array.isArray(sentences) ? sentences.map(String).join('\n\n') : list(value, '');
  return `# ${title}\n\n${body}\n`;
}

function list(value: unknown, indent: string): string {
  if (!isObject(value)) {
    return `${indent}- ${show(value)}`;
  }
  return Object.entries(value)
    .map(([name, inner]) => (isObject(inner) ? `${indent}- ${label(name)}\n${list(inner, `${indent}  `)}` : `${indent}- ${label(name)}: ${show(inner)}`))
    .join('\n');
}

function label(name: string): string {
  return name.replace(/^n_/, '').replaceAll('_', ' ');
}

function show(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : `\`${JSON.stringify(value)}\``;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
