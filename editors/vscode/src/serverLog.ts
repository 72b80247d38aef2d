/** What the server writes to its error output, put into the log at the level that each line names. Pure. */

export type Level = 'error' | 'warn' | 'info' | 'debug';

export interface Log {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

const LEVELS: Readonly<Record<string, Level>> = { CRITICAL: 'error', ERROR: 'error', WARNING: 'warn', INFO: 'info', DEBUG: 'debug' };

/** A line without a level (a traceback, a message of a library) is worth being seen: info. */
export function levelOf(line: string): Level {
  return LEVELS[/^([A-Z]+) /.exec(line)?.[1] ?? ''] ?? 'info';
}

/** Takes text as it comes, in pieces; logs it line by line. */
export class LineLogger {
  private rest = '';

  constructor(private readonly log: Log) {}

  take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines.filter((one) => one.trim() !== '')) {
      // The server decides what is worth logging; VS Code's own level must not hide it.
      this.log[levelOf(line) === 'debug' ? 'info' : levelOf(line)](line);
    }
  }
}
