import { DurableObject } from "cloudflare:workers";
import type { AuditEntry, AuditEvent, ExecutionEvent } from "../audit.ts";
import { configOf, type Standing } from "../config.ts";
import { ExpectedError, outcomeOf, type Outcome } from "../errors.ts";
import { Log, shortPerson } from "../log.ts";
import { AuditTrail } from "./audit-trail.ts";
import { BrowserSessions } from "./browser-sessions.ts";
import { Clients, type ConnectedClient, type NewClient } from "./clients.ts";
import { DEPLOYMENT_NAME } from "./deployment.ts";
import { hasRows } from "./tables.ts";
import { Usage } from "./usage.ts";
import { tableExists, VersionedStorage, type Schema } from "../versioned-storage.ts";

const SERVERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS servers (server_hash TEXT PRIMARY KEY) WITHOUT ROWID
`;

/** Its presence means that the person wants all of it forgotten, and nothing new begins. */
const CLOSING_SCHEMA = "CREATE TABLE IF NOT EXISTS closing (only INTEGER)";

/** 2: the same tables as ever, more or fewer of them. */
export const ACCOUNT_SCHEMA: Schema = {
  version: 2,
  versionTable: "schema_version",
  migrate: () => undefined,
};

const DAY_MS = 24 * 60 * 60_000;

/**
 * What must be exact for one person, whichever isolates and conversations their
 * calls reach: the limits of the deployment, which clients may call, in which
 * browsers they are signed in, and the trail of what was done in their name.
 */
export class Account extends DurableObject<Env> {
  readonly #sql: VersionedStorage;
  readonly #log: Log;
  readonly #usage: Usage;
  readonly #auditMs: number;
  readonly #clients: Clients;
  readonly #sessions: BrowserSessions;
  readonly #trail: AuditTrail;
  /** Whether all was forgotten, and nobody has come since: what was under way then must not begin anew. */
  #isForgotten = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { signIn, logLevel } = configOf(env);
    this.#log = new Log(logLevel, { person: shortPerson(ctx.id.name) });
    this.#auditMs = (signIn?.auditDays ?? 0) * DAY_MS;
    const sql = new VersionedStorage(ctx.storage, ACCOUNT_SCHEMA);
    this.#sql = sql;
    this.#usage = new Usage(sql, signIn?.limits ?? null);
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

  /** Signs the person in on a page, in the browser that has the session of this id. No server is named by who is known without one. */
  async openSession(id: string, serverHash: string | null): Promise<void> {
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
    if (!tableExists(this.#sql, "servers")) return [];
    return this.#sql
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

  /** Ends what a client may do whose person is not let in any more as they were then. */
  signOutClient(grant: string): void {
    const client = this.#clients.revoke(grant);
    if (client !== null)
      this.#trail.add({ event: "client_signed_out", client: client.name }, Date.now());
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
    return this.#outcome(() => {
      const now = Date.now();
      if (!this.#clients.use(grant, now)) throw new ExpectedError({ code: "signed_out" });
      this.#usage.countCall(now);
      return null;
    });
  }

  /** Makes room for one more execution in a conversation, perhaps its first. */
  begin(conversation: string): Promise<Outcome<null>> {
    return this.#outcome(async () => {
      if (this.#isForgotten || tableExists(this.#sql, "closing"))
        throw new ExpectedError({ code: "signed_out" });
      if (this.#usage.excess(conversation) !== null) await this.#forgetTheDoubtful();
      const excess = this.#usage.excess(conversation);
      if (excess !== null) throw excess;
      this.#usage.begin(conversation, Date.now());
      return null;
    });
  }

  /** Takes in how a conversation, by the name of its object, stands, and what has ended in it. */
  settle(
    conversation: string,
    standing: Standing,
    ended: readonly ExecutionEvent[] = [],
  ): void {
    if (this.#isForgotten) return;
    this.#record(ended);
    this.#usage.settle(conversation, standing, Date.now());
  }

  /** Takes a conversation off that has ended. The last one leaves nothing behind where nothing else is kept. */
  async forget(
    conversation: string,
    ended: readonly ExecutionEvent[] = [],
  ): Promise<void> {
    this.#record(ended);
    this.#usage.forget(conversation);
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
    const sql = this.#sql;
    sql.create(SERVERS_SCHEMA);
    // It is dropped when somebody comes back.
    sql.exec(CLOSING_SCHEMA);
    this.#clients.revokeAll();
    return { conversations: this.#usage.conversations(), servers: this.servers() };
  }

  /** Forgets the person. */
  async forgetAll(): Promise<void> {
    this.#sql.open();
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
      this.#log.bug({ task: "clean_up" }, error);
    }
    await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  #outcome<T>(work: () => Promise<T> | T): Promise<Outcome<T>> {
    return outcomeOf(work, (error) => this.#log.bug({}, error));
  }

  async #enter(serverHash: string | null): Promise<void> {
    const sql = this.#sql;
    // Whoever comes back while all is being forgotten has to do it again.
    sql.exec("DROP TABLE IF EXISTS closing");
    this.#isForgotten = false;
    sql.create(SERVERS_SCHEMA);
    if (serverHash !== null)
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
        await this.#sql.deleteAll();
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
    return tables.some((table) => hasRows(this.#sql, table));
  }

  /** A crash between two objects may leave what is not so any more: whoever has not been heard of is asked. */
  async #forgetTheDoubtful(): Promise<void> {
    await Promise.all(
      this.#usage.doubtful(Date.now()).map(async (name) => {
        const standing = await this.env.CONVERSATION.getByName(name).standing();
        if (standing === null) await this.forget(name);
        else this.settle(name, standing);
      }),
    );
  }
}
