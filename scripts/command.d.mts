export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** What it printed on stdout and stderr, in the order of arrival. */
  readonly output: string;
}

export function runCommand(
  program: string,
  args: readonly string[],
  options?: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly signal?: AbortSignal;
    readonly timeoutMs?: number;
  },
): Promise<CommandResult>;

export function lastLines(output: string, count?: number): string;

export function firstLines(output: string, count?: number): string;
