import { DurableObject } from "cloudflare:workers";
import { Sealer } from "../sealing.ts";
import { configOf } from "../config.ts";
import { healthOf, healthOfHub, type JupyterHealth } from "../jupyter/health.ts";
import { JupyterServer } from "../jupyter/server.ts";
import {
  columnsOf,
  tableExists,
  VersionedStorage,
  type Schema,
} from "../versioned-storage.ts";
import { Visits } from "./visits.ts";

/** The name of the one object of this class. */
export const DEPLOYMENT_NAME = "deployment";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS secrets (number INTEGER PRIMARY KEY, sealed TEXT NOT NULL)
`;

const PEOPLE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS people (principal TEXT PRIMARY KEY) WITHOUT ROWID
`;

/** 2: secrets have numbers instead of names, of which there was one. */
export const DEPLOYMENT_SCHEMA: Schema = {
  version: 2,
  versionTable: "schema_version",
  migrate(sql) {
    if (!columnsOf(sql, "secrets").includes("name")) return;
    sql.exec("ALTER TABLE secrets RENAME TO named_secrets");
    sql.exec(SCHEMA);
    sql.exec("INSERT INTO secrets (sealed) SELECT sealed FROM named_secrets");
    sql.exec("DROP TABLE named_secrets");
  },
};

const MINUTE_MS = 60_000;
/** Nobody mistypes a token more often; whoever guesses one gets nowhere. */
const MAX_ATTEMPTS_A_MINUTE = 10;
const MAX_ADDRESSES = 10_000;
/** However many ask how Jupyter is, it is asked once in this time. */
const HEALTH_TTL_MS = 5_000;

/** What there is once for all people of a deployment. */
export class Deployment extends DurableObject<Env> {
  /** When each address tried to sign in, within the last minute. */
  readonly #attempts = new Map<string, number[]>();
  readonly #sql = new VersionedStorage(this.ctx.storage, DEPLOYMENT_SCHEMA);
  readonly #visits = new Visits(this.#sql);
  #health: { readonly since: number; readonly known: Promise<JupyterHealth> } | null =
    null;

  /** How the configured Jupyter server or Hub is, or was a moment ago. */
  jupyterHealth(): Promise<JupyterHealth> {
    const now = Date.now();
    if (this.#health === null || this.#health.since < now - HEALTH_TTL_MS) {
      const known = this.#askJupyter();
      this.#health = { since: now, known };
      // What failed in an unexpected way is tried again.
      known.catch(() => {
        this.#health = null;
      });
    }
    return this.#health.known;
  }

  /**
   * The secret under which people without a name of their own are told apart. It
   * is made once and outlives a change of `SEALING_KEY`, or they would lose their
   * conversations with it. Where no key opens it another one is made, and the
   * first is used again as soon as one does.
   */
  async identitySecret(): Promise<string> {
    // What is thrown inside would end this object.
    this.#sql.open();
    return this.ctx.blockConcurrencyWhile(async () => {
      const sql = this.#sql;
      const sealer = new Sealer(configOf(this.env).signIn?.sealingKeys ?? []);
      const seal = (secret: string) => sealer.seal(secret, DEPLOYMENT_NAME);
      sql.create(SCHEMA);
      const rows = sql
        .exec<{ number: number; sealed: string }>("SELECT * FROM secrets ORDER BY number")
        .toArray();
      for (const { number, sealed } of rows) {
        const opened = await sealer.open(sealed, DEPLOYMENT_NAME).catch(() => null);
        if (opened === null) continue;
        const { text, isOutdated } = opened;
        if (isOutdated)
          sql.exec(
            "UPDATE secrets SET sealed = ? WHERE number = ?",
            await seal(text),
            number,
          );
        return text;
      }
      const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64();
      sql.exec("INSERT INTO secrets (sealed) VALUES (?)", await seal(secret));
      return secret;
    });
  }

  /** Puts a person on the list of those of whom anything is kept. */
  enter(principal: string): void {
    this.#sql.create(PEOPLE_SCHEMA);
    this.#sql.exec("INSERT OR IGNORE INTO people VALUES (?)", principal);
  }

  /** Takes a person off that list. */
  leave(principal: string): void {
    if (tableExists(this.#sql, "people"))
      this.#sql.exec("DELETE FROM people WHERE principal = ?", principal);
  }

  /** People of whom anything is kept, in the order of their principals, from the first one after `after`. */
  people(after: string, limit: number): string[] {
    if (!tableExists(this.#sql, "people")) return [];
    return this.#sql
      .exec<{ principal: string }>(
        "SELECT principal FROM people WHERE principal > ? ORDER BY principal LIMIT ?",
        after,
        limit,
      )
      .toArray()
      .map((row) => row.principal);
  }

  /** Keeps what a browser, which signs in elsewhere for a page, has to come back with. */
  keepVisit(id: string, browser: string, sealed: string): void {
    this.#visits.keep(id, browser, sealed, Date.now());
  }

  /** What was kept of such a visit. The first who asks from that browser gets it, and nobody after that. */
  takeVisit(id: string, browser: string): string | null {
    return this.#visits.take(id, browser, Date.now());
  }

  #askJupyter(): Promise<JupyterHealth> {
    const { jupyter, signIn } = configOf(this.env);
    if (signIn?.method !== "jupyterhub")
      return healthOf(new JupyterServer(jupyter), jupyter.token !== "");
    const httpUrl = `${signIn.hub.url}/hub`;
    const hub = { httpUrl, wsUrl: httpUrl, token: "", headers: jupyter.headers };
    return healthOfHub(new JupyterServer(hub));
  }

  /** Forgets browsers that did not come back in time. */
  forgetVisits(): void {
    this.#visits.prune(Date.now());
  }

  /** Counts an attempt to sign in from a network address. False where there were too many within a minute. */
  attempt(address: string): boolean {
    const since = Date.now() - MINUTE_MS;
    for (const [known, times] of this.#attempts)
      if (times.every((at) => at <= since)) this.#attempts.delete(known);
    const recent = (this.#attempts.get(address) ?? []).filter((at) => at > since);
    if (recent.length >= MAX_ATTEMPTS_A_MINUTE || this.#attempts.size >= MAX_ADDRESSES)
      return false;
    this.#attempts.set(address, [...recent, Date.now()]);
    return true;
  }
}
