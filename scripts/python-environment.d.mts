/** Where a virtual environment is, and the requirement files (absolute paths) that it is made from. */
export interface EnvironmentPlan {
  readonly folder: string;
  readonly requirements: readonly string[];
}

export interface PythonEnvironment {
  /** The path of its interpreter. Run things with `-m`. */
  readonly python: string;
  /** Like `3.12`. */
  readonly version: string;
  /** Changes whenever the environment is made anew from other requirements or another Python. */
  readonly fingerprint: string;
}

/** A Python of this machine. */
export interface FoundPython {
  readonly executable: string;
  readonly version: string;
  readonly major: number;
  readonly minor: number;
  readonly hasVenv: boolean;
}

interface SetupOptions {
  /** Told what is being done when it takes long. Default: `console.log`. */
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Default: `process.env`. `PYTHON` in it says which Python to use. */
  readonly env?: NodeJS.ProcessEnv;
}

export const startEnvironment: EnvironmentPlan;
export const testEnvironment: EnvironmentPlan;

/**
 * Makes the virtual environment unless it is there and fits, which takes some
 * 50 ms to see. Safe to call in several processes at the same time.
 *
 * @throws {SetupError} when there is no usable Python, or the installation fails
 */
export function preparePythonEnvironment(
  plan: EnvironmentPlan,
  options?: SetupOptions,
): Promise<PythonEnvironment>;

export function findPython(options?: Omit<SetupOptions, "say">): Promise<FoundPython>;
