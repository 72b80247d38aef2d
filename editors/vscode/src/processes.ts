/** Child processes of this extension: the `edgewise` commands that answer in JSON, and what installs edgewise. */
import { spawn } from 'node:child_process';

export interface Cancellation {
  onCancellationRequested(listener: () => void): { dispose(): void };
}

export interface Finished {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end. Cancelling interrupts it as Ctrl-C does: it keeps what it can go on from. */
export function run(program: string, args: readonly string[], cwd: string, cancellation?: Cancellation): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const listening = cancellation?.onCancellationRequested(() => child.kill('SIGINT'));
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', reject);
    child.on('close', (code) => {
      listening?.dispose();
      resolve({ code, output, errors });
    });
  });
}

/** The JSON that a command printed. Its `error` is a sentence for a person, and becomes the error's message. */
export function parseOutput(finished: Finished): object {
  const value = parse(finished.output);
  if (typeof value === 'object' && value !== null) {
    const { error } = value as { error?: unknown };
    if (typeof error !== 'string') {
      return value;
    }
    throw new Error(error);
  }
  const last = finished.errors.trim().split('\n').at(-1) ?? '';
  throw new Error(last === '' ? `the command ended with exit code ${finished.code ?? 'none'} and said nothing` : last);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
