import { DurableObject } from "cloudflare:workers";
import type { AuditEntry, AuditEvent, ExecutionEvent } from "../audit.ts";
import { parseConfig, type Limits, type Standing } from "../config.ts";
import { ExpectedError, outcomeOf, type Outcome } from "../errors.ts";
import { AuditTrail } from "./audit-trail.ts";
import { BrowserSessions } from "./browser-sessions.ts";
import { Clients, type ConnectedClient, type NewClient } from "./clients.ts";
import { DEPLOYMENT_NAME } from "./deployment.ts";
import { hasRows, tableExists } from "./tables.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    name TEXT PRIMARY KEY, running INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID
`;

const SERVERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS servers (server_hash TEXT PRIMARY KEY) WITHOUT ROWID
`;

/** Its presence means that the person wants all of it forgotten, and nothing new begins. */
const CLOSING_SCHEMA = "CREATE TABLE IF NOT EXISTS closing (only INTEGER)";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A conversation that runs something says so more often; one that does not answer was never begun. */
const DOUBTFUL_AFTER_MS = 2 * MINUTE_MS;
const MAX_ASKED_AT_ONCE = 50;

type TotalsRow = { conversations: number; running: number; stored_bytes: number };

/**
 * What must be exact for one person, whichever isolates and conversations their
 * calls reach: the limits of the deployment, which clients may call, in which
 * browsers they are signed in, and the trail of what was done in their name. A
 * call is counted in memory, for an object that is asked within the minute is not
 * evicted; all else is in its storage.
 */
export class Account extends DurableObject<Env> {
  readonly #limits: Limits | null;
  readonly #auditMs: number;
  readonly #clients: Clients;
  readonly #sessions: BrowserSessions;
  readonly #trail: AuditTrail;
  /** When each of the calls of the last minute came. */
  #calls: number[] = [];
  /** Whether all was forgotten, and nobody has come since: what was under way then must not begin anew. */
  #isForgotten = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { signIn } = parseConfig(env);
    this.#limits = signIn?.limits ?? null;
    this.#auditMs = (signIn?.auditDays ?? 0) * DAY_MS;
    const { sql } = ctx.storage;
    this.#clients = new Clients(sql);
    this.#sessions = new BrowserSessions(sql);
    this.#trail = new AuditTrail(sql);
  }

  /** Lets a client in, which its person allowed for a server, in place of an earlier grant of the same. */
  async letIn(client: NewClient, serverHash: string): Promise<void> {
    await this.#enter(serverHash);
    this.#clients.add(client, Date.now());
    const { name, scopes } = client;
    this.#trail.add({ event: "client_connected", client: name, scopes }, Date.now());
  }

  /** Signs the person in on a page, in the browser that has the session of this id. */
  async openSession(id: string, serverHash: string): Promise<void> {
    await this.#enter(serverHash);
    this.#sessions.open(id, Date.now());
    this.#trail.add({ event: "signed_in" }, Date.now());
  }

  /** Whether that session goes on. */
  hasSession(id: string): boolean {
    return this.#sessions.isOpen(id, Date.now());
  }

  /** Signs the person out of one browser. */
  closeSession(id: string): void {
    if (this.#sessions.close(id)) this.#trail.add({ event: "signed_out" }, Date.now());
  }

  /** The servers that the person has signed in with, by their hashes. */
  servers(): string[] {
    if (!tableExists(this.ctx.storage.sql, "servers")) return [];
    return this.ctx.storage.sql
      .exec<{ server_hash: string }>("SELECT server_hash FROM servers")
      .toArray()
      .map(({ server_hash }) => server_hash);
  }

  /** Whether a client may call. */
  hasClient(grant: string): boolean {
    return this.#clients.has(grant);
  }

  /** The clients that may call, the newest first. */
  clients(): ConnectedClient[] {
    return this.#clients.all();
  }

  /** Ends what a client may do; null where it could do nothing. */
  revoke(grant: string): ConnectedClient | null {
    const client = this.#clients.revoke(grant);
    if (client !== null)
      this.#trail.add({ event: "client_revoked", client: client.name }, Date.now());
    return client;
  }

  /** Adds to the trail what no other method does. */
  note(what: AuditEvent): void {
    this.#trail.add(what, Date.now());
  }

  /** The newest entries of the trail, or those before one; newest first. */
  newest(limit: number, before?: number): AuditEntry[] {
    return this.#trail.newest(limit, before);
  }

  /** The entries of the trail after one, oldest first. */
  since(after: number, limit: number): AuditEntry[] {
    return this.#trail.since(after, limit);
  }

  /** Counts a call of a client, unless it was revoked or there were too many within a minute. */
  admit(grant: string): Promise<Outcome<null>> {
    return outcomeOf(() => {
      const now = Date.now();
      if (!this.#clients.use(grant, now)) throw new ExpectedError({ code: "signed_out" });
      const limit = this.#limits?.requestsPerMinute ?? Infinity;
      this.#calls = this.#calls.filter((at) => at > now - MINUTE_MS);
      const [first] = this.#calls;
      if (this.#calls.length >= limit && first !== undefined) {
        const seconds = Math.ceil((first + MINUTE_MS - now) / 1_000);
        throw new ExpectedError({ code: "too_many_requests", limit, seconds });
      }
      this.#calls.push(now);
      return null;
    });
  }

  /** Makes room for one more execution in a conversation, perhaps its first. */
  begin(conversation: string): Promise<Outcome<null>> {
    return outcomeOf(async () => {
      if (this.#isForgotten || tableExists(this.ctx.storage.sql, "closing"))
        throw new ExpectedError({ code: "signed_out" });
      this.ctx.storage.sql.exec(SCHEMA);
      const isNew =
        this.ctx.storage.sql
          .exec("SELECT 1 FROM conversations WHERE name = ?", conversation)
          .toArray().length === 0;
      if (this.#excess(isNew) !== null) await this.#forgetTheDoubtful();
      const excess = this.#excess(isNew);
      if (excess !== null) throw excess;
      this.ctx.storage.sql.exec(
        `INSERT INTO conversations VALUES (?, 1, 0, ?)
         ON CONFLICT (name) DO UPDATE SET running = running + 1, seen_at = excluded.seen_at`,
        conversation,
        Date.now(),
      );
      return null;
    });
  }

  /** Takes in how a conversation, by the name of its object, stands, and what has ended in it. */
  settle(
    conversation: string,
    { running, storedBytes }: Standing,
    ended: readonly ExecutionEvent[] = [],
  ): void {
    if (this.#isForgotten) return;
    this.#record(ended);
    this.ctx.storage.sql.exec(SCHEMA);
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?)",
      conversation,
      running,
      storedBytes,
      Date.now(),
    );
  }

  /** Takes a conversation off that has ended. The last one leaves nothing behind where nothing else is kept. */
  async forget(
    conversation: string,
    ended: readonly ExecutionEvent[] = [],
  ): Promise<void> {
    this.#record(ended);
    this.ctx.storage.sql.exec(SCHEMA);
    this.ctx.storage.sql.exec("DELETE FROM conversations WHERE name = ?", conversation);
    if (!this.#isInUse()) await this.#leave();
  }

  /**
   * Ends what all clients may do, and keeps anything new from beginning until
   * {@link forgetAll}. Sessions go on, so that their person can do it again where
   * something failed on the way.
   *
   * @returns the names of the objects of conversations, and the hashes of servers
   */
  close(): { readonly conversations: string[]; readonly servers: string[] } {
    const { sql } = this.ctx.storage;
    sql.exec(CLOSING_SCHEMA);
    this.#clients.revokeAll();
    const conversations = tableExists(sql, "conversations")
      ? sql.exec<{ name: string }>("SELECT name FROM conversations").toArray()
      : [];
    return {
      conversations: conversations.map(({ name }) => name),
      servers: this.servers(),
    };
  }

  /** Forgets the person. */
  async forgetAll(): Promise<void> {
    this.#isForgotten = true;
    await this.#leave();
  }

  /** Removes what is not needed any more. Never throws: six failures in a row would end it for good. */
  override async alarm(): Promise<void> {
    try {
      const now = Date.now();
      const isLeft = [
        this.#clients.prune(now),
        this.#sessions.prune(now),
        this.#trail.prune(now - this.#auditMs),
        this.#isInUse(),
      ];
      if (!isLeft.includes(true)) {
        await this.#leave();
        return;
      }
    } catch (error) {
      console.error(`cleaning up failed: ${error instanceof Error ? error.name : "?"}`);
    }
    await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  async #enter(serverHash: string): Promise<void> {
    const { sql } = this.ctx.storage;
    // Whoever comes back while all is being forgotten has to do it again.
    sql.exec("DROP TABLE IF EXISTS closing");
    this.#isForgotten = false;
    sql.exec(SERVERS_SCHEMA);
    sql.exec("INSERT OR IGNORE INTO servers VALUES (?)", serverHash);
    await this.#cleanUpLater();
    await this.env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).enter(this.ctx.id.name ?? "");
  }

  /** Off the list first: who is on it and has nothing is taken off by the next alarm. */
  async #leave(): Promise<void> {
    const { storage, id } = this.ctx;
    // Nobody enters in between. What is thrown inside would end this object.
    const failed = await this.ctx.blockConcurrencyWhile(async () => {
      try {
        await this.env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).leave(id.name ?? "");
        await storage.deleteAlarm();
        await storage.deleteAll();
        return null;
      } catch (error) {
        return { error };
      }
    });
    if (failed !== null) throw failed.error;
  }

  /** What is told of an execution may be told again, as after a crash. */
  #record(ended: readonly ExecutionEvent[]): void {
    if (this.#isForgotten) return;
    for (const what of ended)
      this.#trail.add(what, Date.now(), `${what.conversation}/${what.execution}`);
  }

  async #cleanUpLater(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  #isInUse(): boolean {
    const tables = ["conversations", "clients", "browser_sessions", "audit_trail"];
    return tables.some((table) => hasRows(this.ctx.storage.sql, table));
  }

  #excess(isNew: boolean): ExpectedError | null {
    if (this.#limits === null) return null;
    const { conversations, executions, storedBytes } = this.#limits;
    const totals = this.#totals();
    if (isNew && totals.conversations >= conversations)
      return new ExpectedError({ code: "too_many_conversations", limit: conversations });
    if (totals.running >= executions)
      return new ExpectedError({ code: "too_many_executions", limit: executions });
    const stored = totals.stored_bytes;
    if (stored >= storedBytes)
      return new ExpectedError({ code: "too_much_stored", stored, limit: storedBytes });
    return null;
  }

  #totals(): TotalsRow {
    return this.ctx.storage.sql
      .exec<TotalsRow>(
        `SELECT count(*) AS conversations, coalesce(sum(running), 0) AS running,
           coalesce(sum(stored_bytes), 0) AS stored_bytes FROM conversations`,
      )
      .one();
  }

  /** A crash between two objects may leave what is not so any more: whoever has not been heard of is asked. */
  async #forgetTheDoubtful(): Promise<void> {
    const doubtful = this.ctx.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM conversations WHERE running > 0 AND seen_at < ? ORDER BY seen_at LIMIT ?",
        Date.now() - DOUBTFUL_AFTER_MS,
        MAX_ASKED_AT_ONCE,
      )
      .toArray();
    await Promise.all(
      doubtful.map(async ({ name }) => {
        const standing = await this.env.CONVERSATION.getByName(name).standing();
        if (standing === null) await this.forget(name);
        else this.settle(name, standing);
      }),
    );
    this.ctx.storage.sql.exec(SCHEMA);
  }
}
