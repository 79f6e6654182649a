/** What is served, and where. */
export interface Served {
  /** The folder with `wrangler.toml`. The state is below it. */
  readonly root: string;
  /** The folder with the packed Worker. */
  readonly packed: string;
  readonly port: number;
  /** The Worker's variables and secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether debuggers find a port. */
  readonly inspect: boolean;
}

/** What is told when the Worker can be asked. */
export const READY = "ready";
