export function tryLock(
  file: string,
): Promise<
  | { readonly release: () => Promise<void>; readonly heldBy?: never }
  | { readonly release?: never; readonly heldBy: number }
>;

export function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options?: {
    readonly onWait?: (heldBy: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<T>;

export function isAlive(pid: number): boolean;
