const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/**
 * How long to wait before the next attempt to reach Jupyter, `failed` attempts
 * after the connection was lost: at once, then doubling up to half a minute.
 */
export function reconnectDelayMs(failed: number): number {
  if (failed === 0) return 0;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failed - 1, 16));
}
