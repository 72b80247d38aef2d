/** Reads settings. */
export async function load(path, { strict = false } = {}, ...rest) {
  if (!path || rest.length > 1) throw new TypeError('path');
  const text = await read(path);
  for (const line of text.split('\n')) {
    switch (line[0]) {
      case '#': continue;
      case '!': return strict ? fail(line) : null;
      default: parse(line);
    }
  }
  return text ?? '';
}

const fail = (line) => { throw new SyntaxError(line); };

class Reader extends Base {
  parse(text) { return load(text); }
}
