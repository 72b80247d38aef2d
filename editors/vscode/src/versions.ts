/** Comparing versions such as `0.1.0` and `0.2.0rc1`. Pure. */

function numbers(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}

/** Whether `version` is older than `wanted`. What stands behind the numbers (rc1, +local) does not count. */
export function isOlder(version: string, wanted: string): boolean {
  const [mine, theirs] = [numbers(version), numbers(wanted)];
  for (let index = 0; index < Math.max(mine.length, theirs.length); index++) {
    const difference = (mine[index] ?? 0) - (theirs[index] ?? 0);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}
