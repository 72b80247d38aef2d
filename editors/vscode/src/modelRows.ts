/** The model list of `edgewise model list --json` as entries of a picker. Pure. */

export interface ModelRow {
  readonly name: string;
  readonly title: string;
  readonly use: string;
  readonly licence: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly memory_bytes: number;
  readonly room: string;
  readonly engine: string;
  readonly problem: string;
  /** What this machine would do; only after it was measured, and only by a server that knows how. */
  readonly forecast?: { readonly keystroke_p50_ms: number } | null;
}

export interface Entry {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly row: ModelRow;
}

/** Models for completion: those that are here first, each with what this machine would get. */
export function entries(rows: readonly ModelRow[], current: string): Entry[] {
  const shown = rows.filter((row) => row.use === 'completion' || row.use === '');
  const isHere = (row: ModelRow): number => (row.path === '' ? 1 : 0);
  return [...shown].sort((a, b) => isHere(a) - isHere(b)).map((row) => entry(row, current));
}

function entry(row: ModelRow, current: string): Entry {
  const icon = row.name === current ? '$(check)' : row.path === '' ? '$(cloud-download)' : '$(database)';
  const size = row.size_bytes === 0 ? 'size not known' : megabytes(row.size_bytes);
  return {
    label: `${icon} ${row.name}`,
    description: row.path === '' ? `${size} to fetch` : size,
    detail: row.problem === '' ? [row.title, memory(row), speed(row), row.licence].filter((part) => part !== '').join(' · ') : row.problem,
    row,
  };
}

const ROOM: Readonly<Record<string, string>> = {
  yes: 'fits here',
  no: 'does not fit here',
  'when other programs are closed': 'fits here when other programs are closed',
};

function memory(row: ModelRow): string {
  if (row.engine === '') {
    return 'no engine here runs it';
  }
  const room = ROOM[row.room] ?? `fits here: ${row.room}`;
  return row.memory_bytes === 0 ? 'memory not known' : `${megabytes(row.memory_bytes)} of memory, ${room}`;
}

function speed(row: ModelRow): string {
  return row.forecast ? `a suggestion in about ${Math.round(row.forecast.keystroke_p50_ms)} ms` : '';
}

export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

/** Percent of a pull from the bytes that unfinished pulls keep on disk, or undefined when it cannot be known. */
export function percent(partialBytes: number, size: number): number | undefined {
  return size > 0 && partialBytes <= size ? Math.floor((100 * partialBytes) / size) : undefined;
}
