/**
 * `/account`: what a person sees and stops of what is done in their name. A page
 * reaches what is named after its person alone; somebody else's is not found,
 * like what never was.
 */

import { Hono } from "hono";
import { DEPLOYMENT_NAME } from "../../account/deployment.ts";
import { formToken, removedCookie } from "../../auth/browser-session.ts";
import { failureOf, notedBug } from "../../errors.ts";
import { field } from "../authorize.tsx";
import type { PagesEnv } from "../pages.tsx";
import { activityPage } from "./activity.tsx";
import { auditLines } from "./audit-lines.ts";
import {
  answerPrompt,
  endConversation,
  interrupt,
  live,
  notFound,
  shownNow,
  showConversation,
  showExecution,
  showPrompt,
} from "./conversation-pages.tsx";
import { forgetPage, forgottenPage } from "./forget.tsx";
import { forgetEverything, revokeAll } from "./forgetting.ts";
import { LIVE_CHARS, MAX_LIVE } from "./live.ts";
import { SCRIPT } from "./live-script.ts";
import { overviewPage } from "./overview.tsx";
import { AccountLayout, LIVE_SCRIPT } from "./parts.tsx";
import {
  type AccountEnv,
  type AccountPagesDeps,
  behindSession,
  type PageContext,
  signInHere,
  signOut,
} from "./session-gate.tsx";

const LISTED_CONVERSATIONS = 50;
const OVERVIEW_ENTRIES = 15;
const PAGE_ENTRIES = 200;
/** Each takes a request to an object of theirs, and a Worker may make a thousand. */
const PEOPLE_AT_ONCE = 200;
const JSON_LINES = "application/jsonl; charset=utf-8";

/** The routes of the pages. */
export function accountRoutes(deps: AccountPagesDeps): Hono<PagesEnv> {
  const app = new Hono<AccountEnv>();
  app.get(LIVE_SCRIPT.replace("/account", ""), (c) => {
    c.header("Cache-Control", "public, max-age=300");
    return c.body(SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" });
  });
  app.use(async (c, next) => {
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.post("/sign-in", (c) => signInHere(c, deps));
  app.use((c, next) => behindSession(c, deps, next));
  app.get("/", (c) => overview(c, deps));
  app.post("/sign-out", signOut);
  app.get("/conversations/:handle", (c) => showConversation(c));
  app.post("/conversations/:handle/interrupt", interrupt);
  app.post("/conversations/:handle/end", endConversation);
  app.get("/conversations/:handle/:execution", showExecution);
  app.get("/answer/:handle/:execution/:prompt", (c) => showPrompt(c));
  app.post("/answer/:handle/:execution/:prompt", answerPrompt);
  app.post("/clients/revoke", (c) => revoke(c, deps));
  app.get("/activity", (c) => showActivity(c, deps));
  app.get("/activity.jsonl", (c) => {
    const { principal, account } = c.var.person;
    const read = async (after: number, limit: number) => account.since(after, limit);
    return c.body(auditLines([{ principal, read }]), 200, { "Content-Type": JSON_LINES });
  });
  app.get("/everybody.jsonl", (c) => everybody(c, deps));
  app.get("/live", live);
  app.get("/forget", (c) => showForget(c, null));
  app.post("/forget", (c) => forget(c, deps));
  app.all("*", notFound);
  app.onError((error, c) => {
    if (failureOf(error) !== null) throw error;
    const id =
      notedBug(error) ?? deps.log.bug({ task: "page", route: c.req.routePath }, error);
    return c.html(<Failed id={id} />, 500);
  });
  // What it adds to the variables of a page are its own.
  return app as unknown as Hono<PagesEnv>;
}

async function overview(c: PageContext, deps: AccountPagesDeps): Promise<Response> {
  const { person, session } = c.var;
  const [servers, { listed, total }, clients, activity, isOwner] = await Promise.all([
    person.servers(),
    person.conversations(LISTED_CONVERSATIONS),
    person.account.clients(),
    person.account.newest(OVERVIEW_ENTRIES),
    deps.isOwner(person.principal),
  ]);
  const unfinished = listed.flatMap(({ handle, unfinished: executions }) =>
    executions.map((execution) => ({ handle, execution })),
  );
  const shown = await Promise.all(
    unfinished
      .slice(0, MAX_LIVE)
      .map(({ handle, execution }) => shownNow(person, handle, execution, LIVE_CHARS)),
  );
  const running = shown.filter((each) => each !== null);
  if (running.length > 0) c.set("script", scriptSource(deps));
  return c.html(
    overviewPage({
      principal: person.principal,
      formToken: await formToken(session),
      servers,
      running,
      moreRunning: Math.max(0, unfinished.length - MAX_LIVE),
      conversations: listed,
      total,
      clients,
      activity,
      auditDays: deps.signIn.auditDays,
      isOwner,
      now: Date.now(),
    }),
  );
}

async function revoke(c: PageContext, { oauth }: AccountPagesDeps): Promise<Response> {
  const { person, form } = c.var;
  const grant = field(form, "grant");
  // From this moment on it opens nothing; what KV has of it is taken away after that.
  if ((await person.account.revoke(grant)) === null) return notFound(c);
  await revokeAll(oauth, person.principal, grant);
  return c.redirect("/account#clients", 303);
}

async function showActivity(
  c: PageContext,
  { signIn }: AccountPagesDeps,
): Promise<Response> {
  const before = /^[1-9]\d{0,14}$/.exec(c.req.query("before") ?? "")?.[0];
  const entries = await c.var.person.account.newest(
    PAGE_ENTRIES,
    before === undefined ? undefined : Number(before),
  );
  const last = entries.at(-1);
  const older = entries.length === PAGE_ENTRIES && last !== undefined ? last.id : null;
  return c.html(activityPage({ entries, older, auditDays: signIn.auditDays }));
}

/** What everybody did, for the deployment's owners: person by person, and where to go on. */
async function everybody(c: PageContext, deps: AccountPagesDeps): Promise<Response> {
  if (!(await deps.isOwner(c.var.person.principal))) return notFound(c);
  const { env } = deps;
  const after = /^[a-z2-7]{52}$/.exec(c.req.query("after") ?? "")?.[0] ?? "";
  const deployment = env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);
  const principals = await deployment.people(after, PEOPLE_AT_ONCE);
  const last = principals.at(-1);
  if (principals.length === PEOPLE_AT_ONCE && last !== undefined)
    c.header("Link", `</account/everybody.jsonl?after=${last}>; rel="next"`);
  const people = principals.map((principal) => ({
    principal,
    read: async (from: number, limit: number) =>
      env.ACCOUNT.getByName(principal).since(from, limit),
  }));
  return c.body(auditLines(people), 200, { "Content-Type": JSON_LINES });
}

async function showForget(c: PageContext, problem: string | null): Promise<Response> {
  const token = await formToken(c.var.session);
  return c.html(forgetPage({ formToken: token, problem }), problem === null ? 200 : 422);
}

async function forget(c: PageContext, deps: AccountPagesDeps): Promise<Response> {
  const { person, form } = c.var;
  if (field(form, "sure") !== "true")
    return showForget(c, "Tick “Yes, forget everything” if you are sure.");
  const shutsDown = field(form, "shutdown_kernels") === "true";
  await forgetEverything(deps.env, person, deps.oauth, shutsDown);
  c.header("Set-Cookie", removedCookie());
  return c.html(forgottenPage());
}

function Failed(props: { readonly id: string }) {
  return (
    <AccountLayout
      heading="Something went wrong"
      lead="In this service itself. Open the page again to see what was done; if it stays, tell whoever runs this service."
    >
      <p>
        Error <code>{props.id}</code>
      </p>
    </AccountLayout>
  );
}

/** Where the policy of a page lets its script come from: that very file. */
function scriptSource({ signIn }: AccountPagesDeps): string {
  return signIn.publicUrl + LIVE_SCRIPT;
}
