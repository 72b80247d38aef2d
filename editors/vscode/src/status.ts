/**
 * What the status bar says, as a pure function of what is known. Must not know how any of it came about.
 */
import { isPaused, remaining, type Pause } from './pause';

/** The notification `edgewise/status` of the server, as it is sent. */
export interface ServerStatus {
  readonly state: 'stopped' | 'starting' | 'ready' | 'restarting' | 'failed';
  readonly message: string;
  readonly model: string;
  readonly engine: string;
  readonly family: string;
  readonly note: string;
  readonly index: {
    readonly ready: boolean;
    readonly files: number;
    readonly symbols: number;
    readonly done: number;
    readonly total: number;
    /** What is done to the files, in words; older servers do not say it. */
    readonly doing?: string;
  };
}

/** How the server process itself is. `problem` is a sentence that says what to do. */
export type Process =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly status?: ServerStatus }
  | { readonly kind: 'missing'; readonly problem: string }
  | { readonly kind: 'failed'; readonly problem: string };

export interface Knowledge {
  readonly process: Process;
  readonly pause: Pause;
  readonly now: number;
  readonly isComputing: boolean;
  /** A pull or an installation that runs, as a short text. */
  readonly work: string;
  /** Why this document gets no suggestions by a setting, or "". */
  readonly off: string;
}

export type Kind = 'loading' | 'ready' | 'computing' | 'paused' | 'off' | 'failed';

export interface View {
  readonly kind: Kind;
  readonly text: string;
  readonly detail: string;
  /** For the one line that the menu has for it. */
  readonly brief: string;
}

const ICONS: Readonly<Record<Kind, string>> = {
  loading: '$(loading~spin)',
  ready: '$(sparkle)',
  computing: '$(loading~spin)',
  paused: '$(debug-pause)',
  off: '$(circle-slash)',
  failed: '$(error)',
};

const NO_MODEL_YET = 'The model starts with the first suggestion.';

export function view(known: Knowledge): View {
  return ofWork(known) ?? ofProcess(known.process) ?? ofPerson(known) ?? ofModel(known);
}

function show(kind: Kind, label: string, detail: string, brief = detail): View {
  return { kind, text: `${ICONS[kind]} edgewise${label === '' ? '' : `: ${label}`}`, detail, brief };
}

function ofWork(known: Knowledge): View | undefined {
  return known.work === '' ? undefined : show('loading', known.work, known.work);
}

function ofProcess(process: Process): View | undefined {
  switch (process.kind) {
    case 'starting':
      return show('loading', 'starting', 'The server is starting.');
    case 'missing':
      return show('failed', 'not installed', process.problem);
    case 'failed':
      return show('failed', 'failed', process.problem, 'Read the log, then choose Restart.');
    case 'running':
      return process.status?.state === 'failed' ? show('failed', 'failed', process.status.message) : undefined;
  }
}

function ofPerson(known: Knowledge): View | undefined {
  if (isPaused(known.pause, known.now)) {
    const left = remaining(known.pause, known.now);
    return show('paused', left === '' ? 'paused' : `paused, ${left}`, 'Suggestions are paused in this window.');
  }
  return known.off === '' ? undefined : show('off', 'off here', known.off);
}

function ofModel(known: Knowledge): View {
  const status = known.process.kind === 'running' ? known.process.status : undefined;
  if (status === undefined) {
    return show('loading', 'starting', 'The server is starting.');
  }
  return ofStart(status) ?? ofIndex(status) ?? (known.isComputing ? show('computing', '', 'Computing…') : show('ready', '', describe(status), abridge(status)));
}

function ofStart(status: ServerStatus): View | undefined {
  const label = { starting: 'loading the model', restarting: 'restarting the model' };
  return status.state === 'starting' || status.state === 'restarting'
    ? show('loading', label[status.state], status.message === '' ? 'The model is being loaded.' : status.message)
    : undefined;
}

function ofIndex(status: ServerStatus): View | undefined {
  const { done, total, ready, doing = 'reading' } = status.index;
  const so = `Now ${doing}: ${done} of ${total} files.`;
  return ready || total === 0
    ? undefined
    : show('loading', `${doing} ${Math.floor((100 * done) / total)} %`, `${describe(status)} ${so}`, so);
}

/** "Model builtin on llama_cpp. 12 files with 40 symbols are indexed. The model completes …" */
export function describe(status: ServerStatus): string {
  const model = status.model === '' ? NO_MODEL_YET : `Model ${status.model} on ${status.engine}.`;
  const note = status.note === '' ? '' : ` The model ${status.note}.`;
  return `${model} ${status.index.files} files with ${status.index.symbols} symbols are indexed.${note}`;
}

function abridge(status: ServerStatus): string {
  const model = status.model === '' ? NO_MODEL_YET : `Model ${status.model}.`;
  return `${model} ${status.index.files} files, ${status.index.symbols} symbols.`;
}
