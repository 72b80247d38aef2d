/** Whether suggestions are paused in this window: not at all, until a time, or until somebody resumes. Pure. */

export type Pause = { readonly kind: 'running' } | { readonly kind: 'paused'; readonly until: number };

export const RUNNING: Pause = { kind: 'running' };
export const FOR_GOOD = Number.POSITIVE_INFINITY;
export const SNOOZE_MINUTES = [5, 15, 30, 60] as const;

export function snooze(now: number, minutes: number): Pause {
  return { kind: 'paused', until: now + minutes * 60_000 };
}

export function isPaused(pause: Pause, now: number): boolean {
  return pause.kind === 'paused' && now < pause.until;
}

/** "5 min left", or "" for a pause without an end. */
export function remaining(pause: Pause, now: number): string {
  if (pause.kind === 'running' || pause.until === FOR_GOOD) {
    return '';
  }
  return `${Math.max(1, Math.ceil((pause.until - now) / 60_000))} min left`;
}
