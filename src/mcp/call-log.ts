/** What is told of a call: what it was, how long it took, how it came out, and which execution it was about. */

import { ExpectedError, notedBug, type Failure } from "../errors.ts";
import { shortKernel, type Log, type LogFields } from "../log.ts";
import type { ExecutionMeta } from "./words.ts";

/** What whoever runs the deployment may have to do something about. */
export const FOR_THE_OPERATOR: ReadonlySet<string> = new Set<Failure["code"]>([
  "conversation_interrupted",
  "jupyter_error",
  "jupyter_unreachable",
  "kernel_start_failed",
  "not_jupyter",
  "rate_limited",
  "server_limit",
  "server_start_failed",
  "subprotocol_unsupported",
  "token_rejected",
  "too_many_conversations",
  "too_many_executions",
  "too_many_requests",
  "too_much_stored",
]);

/** One call, from the moment in which this is made. */
export class CallLog {
  readonly #log: Log;
  readonly #begunAt = Date.now();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param meta of its result */
  answered(isError = false, meta: Readonly<Record<string, unknown>> = {}): void {
    const outcome = isError ? "code_failed" : "ok";
    this.#log.info("call", { ...this.#took(), outcome, ...aboutOf(meta) });
  }

  failed(error: unknown): void {
    const fields = this.#took();
    if (!(error instanceof ExpectedError))
      this.#log.info("call", {
        ...fields,
        outcome: "bug",
        id: notedBug(error) ?? undefined,
      });
    else {
      const outcome = error.failure.code;
      if (FOR_THE_OPERATOR.has(outcome)) this.#log.warn("call", { ...fields, outcome });
      else this.#log.info("call", { ...fields, outcome });
    }
  }

  #took(): LogFields {
    return { durationMs: Date.now() - this.#begunAt };
  }
}

function aboutOf(meta: Readonly<Record<string, unknown>>): LogFields {
  // `executionMeta` makes it.
  const about = meta["jupyter-edge/execution"] as ExecutionMeta | undefined;
  if (about === undefined) return {};
  const { conversation, execution, state, kernel, generation } = about;
  return {
    conversation,
    execution,
    state,
    kernel: kernel === null ? undefined : shortKernel(kernel),
    generation: generation ?? undefined,
    ...(about.possiblyIncomplete && { incomplete: true }),
  };
}
