import { formToken } from "../../auth/browser-session.ts";
import type { Failure } from "../../errors.ts";
import { isFinal } from "../../kernel/execution.ts";
import { adviceFor } from "../../mcp/advice.ts";
import { answerPath } from "../../mcp/words.ts";
import { field } from "../authorize.tsx";
import { NotFound } from "../pages.tsx";
import { answeredPage, answerPage, MAX_ANSWER_CHARS } from "./answer.tsx";
import {
  conversationPage,
  conversationPath,
  executionPage,
  type LiveView,
} from "./execution.tsx";
import { liveStream, type LiveTarget, MAX_LIVE } from "./live.ts";
import { LIVE_SCRIPT } from "./parts.tsx";
import type { Person } from "./person.ts";
import type { PageContext } from "./session-gate.tsx";

const LISTED_EXECUTIONS = 50;
/** What the page of one execution shows of its output. */
const PAGE_CHARS = 80_000;

/** The answer to what is not there, and to what is somebody else's. */
export function notFound(c: PageContext): Response | Promise<Response> {
  return c.html(<NotFound />, 404);
}

/** An execution as it is at this moment; null where there is none of these names. */
export async function shownNow(
  person: Person,
  handle: string,
  execution: string,
  maxOutputChars: number,
): Promise<LiveView | null> {
  const conversation = await person.conversation(handle);
  const request = { execution, seen: null, waitMs: 0, maxOutputChars };
  const outcome = await conversation?.show(request);
  return outcome === undefined || "failure" in outcome ? null : outcome.ok;
}

/** `GET /conversations/:handle`, also with what went wrong with what was asked of it. */
export async function showConversation(
  c: PageContext,
  failure: Failure | null = null,
): Promise<Response> {
  const handle = param(c, "handle");
  const conversation = await c.var.person.conversation(handle);
  const outcome = await conversation?.executions(LISTED_EXECUTIONS);
  if (outcome === undefined || "failure" in outcome) return notFound(c);
  const page = conversationPage({
    handle,
    executions: outcome.ok,
    formToken: await formToken(c.var.session),
    problem: failure === null ? null : adviceFor(failure).message,
  });
  return c.html(page, failure === null ? 200 : 409);
}

/** `GET /conversations/:handle/:execution` */
export async function showExecution(c: PageContext): Promise<Response> {
  const { person, session } = c.var;
  const execution = param(c, "execution");
  const shown = await shownNow(person, param(c, "handle"), execution, PAGE_CHARS);
  if (shown === null) return notFound(c);
  if (!isFinal(shown.view.state))
    c.set("script", new URL(LIVE_SCRIPT, c.req.url).toString());
  return c.html(
    executionPage({ shown, formToken: await formToken(session), problem: null }),
  );
}

/** `POST /conversations/:handle/interrupt` */
export async function interrupt(c: PageContext): Promise<Response> {
  const handle = param(c, "handle");
  const conversation = await c.var.person.conversation(handle);
  const kernel = field(c.var.form, "kernel");
  const outcome = await conversation?.interrupt(kernel === "" ? undefined : kernel);
  if (outcome === undefined) return notFound(c);
  return "failure" in outcome
    ? showConversation(c, outcome.failure)
    : c.redirect(conversationPath(handle), 303);
}

/** `POST /conversations/:handle/end` */
export async function endConversation(c: PageContext): Promise<Response> {
  const conversation = await c.var.person.conversation(param(c, "handle"));
  const shutsDown = field(c.var.form, "shutdown_kernels") === "true";
  const outcome = await conversation?.end(shutsDown);
  if (outcome === undefined) return notFound(c);
  return "failure" in outcome
    ? showConversation(c, outcome.failure)
    : c.redirect("/account#conversations", 303);
}

/** `GET /answer/:handle/:execution/:prompt` */
export async function showPrompt(
  c: PageContext,
  problem: string | null = null,
): Promise<Response> {
  const shown = await shownNow(
    c.var.person,
    param(c, "handle"),
    param(c, "execution"),
    0,
  );
  if (shown === null) return notFound(c);
  const { view } = shown;
  if (answerPath(view) !== c.req.path)
    return c.html(answeredPage({ view, wasSent: false }), 410);
  const page = answerPage({ view, formToken: await formToken(c.var.session), problem });
  return c.html(page, problem === null ? 200 : 422);
}

/** `POST /answer/:handle/:execution/:prompt`: works once. */
export async function answerPrompt(c: PageContext): Promise<Response> {
  const { person, form } = c.var;
  const execution = param(c, "execution");
  const conversation = await person.conversation(param(c, "handle"));
  const text = field(form, "answer");
  if (text.length > MAX_ANSWER_CHARS)
    return showPrompt(c, `An answer has no more than ${MAX_ANSWER_CHARS} characters.`);
  const request = { execution, prompt: param(c, "prompt"), text };
  const outcome = await conversation?.answer(request);
  if (conversation === null || outcome === undefined) return notFound(c);
  if ("failure" in outcome) {
    const { code } = outcome.failure;
    if (/^(?:conversation|execution)_not_found$/.test(code)) return notFound(c);
    // The page of a prompt that is not open any more says so.
    const isOpen = code !== "not_waiting_for_input";
    return showPrompt(c, isOpen ? adviceFor(outcome.failure).message : null);
  }
  const view = outcome.ok;
  await person.account.note({
    event: "input_answered",
    conversation: view.conversation,
    execution,
  });
  return c.html(answeredPage({ view, wasSent: true }));
}

/** `GET /live?run=HANDLE.EXECUTION&run=…` */
export async function live(c: PageContext): Promise<Response> {
  const keys = (c.req.queries("run") ?? []).slice(0, MAX_LIVE);
  const targets = await Promise.all(
    keys.map(async (key): Promise<LiveTarget | null> => {
      const [handle = "", execution = ""] = key.split(".");
      const conversation = await c.var.person.conversation(handle);
      return conversation === null ? null : { key, execution, conversation };
    }),
  );
  const found = targets.filter((target) => target !== null);
  return c.body(liveStream(found), 200, {
    "Content-Type": "text/event-stream; charset=utf-8",
  });
}

function param(c: PageContext, name: string): string {
  return c.req.param(name) ?? "";
}
