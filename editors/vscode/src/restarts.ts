/**
 * How often a server that dies is started again: pure, no clock of its own.
 *
 * Five deaths within three minutes are enough; before that, each start waits twice as long as the last.
 */

const MAX_DEATHS = 5;
const WITHIN_MS = 180_000;
const FIRST_DELAY_MS = 500;

export class Restarts {
  private deaths: number[] = [];

  /** Milliseconds to wait before the next start, or undefined when it is not worth another try. */
  next(now: number): number | undefined {
    this.deaths = [...this.deaths.filter((at) => now - at < WITHIN_MS), now];
    if (this.deaths.length >= MAX_DEATHS) {
      return undefined;
    }
    return FIRST_DELAY_MS * 2 ** (this.deaths.length - 1);
  }

  /** A person asked for a new start: the past is forgotten. */
  forget(): void {
    this.deaths = [];
  }
}
