/** Why Jupyter could not be reached: no HTTP answer came, or a proxy said that none would. */
export type UnreachableReason = "network" | "dns" | "tls" | "timeout" | "proxy";

/**
 * Everything that can go wrong without being a bug of ours, as facts. The words
 * for a reader and the advice what to do next are added in `mcp/advice.ts`.
 */
export type Failure =
  | { code: "jupyter_unreachable"; host: string; reason: UnreachableReason }
  | { code: "token_rejected"; host: string; status: number; loginPage: boolean }
  | { code: "not_jupyter"; host: string; detail: string }
  | { code: "jupyter_error"; host: string; status: number; detail: string }
  | { code: "answer_too_large"; host: string; bytes: number; limit: number }
  | { code: "rate_limited"; host: string }
  | { code: "subprotocol_unsupported"; host: string }
  | { code: "kernel_not_found"; kernel: string }
  | { code: "kernel_gone"; kernel: string; kernelspec: string; generation: number }
  | { code: "kernel_ambiguous"; kernel: string; matches: readonly string[] }
  | { code: "kernel_start_failed"; kernelspec: string; detail: string }
  | { code: "no_kernel"; conversation: string }
  /** By which execution of ours, or by another client where that is null. */
  | { code: "kernel_busy"; kernel: string; execution: string | null; isWaiting: boolean }
  | { code: "kernel_silent"; kernel: string; seconds: number }
  | { code: "connection_lost"; kernel: string }
  | { code: "request_not_known"; kernelspec: string; request: string }
  | { code: "variables_not_known"; kernelspec: string; language: string }
  | { code: "variable_not_found"; name: string; similar: readonly string[] }
  | { code: "cursor_outside"; cursor: number; chars: number }
  | { code: "notebook_has_kernel"; path: string; kernel: string; kernelspec: string }
  | { code: "kernelspec_not_found"; kernel: string; installed: readonly string[] }
  | { code: "kernelspec_ambiguous"; kernel: string; matches: readonly string[] }
  | { code: "conversation_not_found"; conversation: string }
  | { code: "conversation_interrupted"; conversation: string }
  | { code: "run_not_begun" }
  /** What is stored was written by a newer version of this program. */
  | { code: "storage_newer" }
  | { code: "execution_not_found"; execution: string; latest: string | null }
  | { code: "not_waiting_for_input"; execution: string; state: string }
  | { code: "image_not_found"; image: number; images: number }
  | { code: "image_too_large"; image: number; mime: string; bytes: number }
  | { code: "bad_query"; detail: string }
  | { code: "bad_regex"; pattern: string; detail: string }
  | { code: "bad_path"; path: string; detail: string }
  | { code: "file_not_found"; path: string }
  | { code: "file_exists"; path: string }
  | { code: "file_too_large"; path: string; bytes: number; limit: number }
  | { code: "is_folder"; path: string }
  | { code: "not_folder"; path: string }
  | { code: "target_is_folder"; path: string; inside: string }
  | { code: "folder_not_empty"; path: string; entries: number }
  | { code: "not_base64"; path: string }
  | { code: "bad_notebook_content"; path: string; where: string }
  | {
      code: "line_too_far";
      path: string;
      line: number;
      /** What is before the place where the search for it ended. */
      lines: number;
      bytes: number;
    }
  | { code: "write_refused"; path: string; detail: string }
  | { code: "save_unanswered"; path: string; reason: UnreachableReason }
  | { code: "not_notebook"; path: string }
  | { code: "notebook_too_slow"; path: string; seconds: number }
  | { code: "bad_notebook"; path: string; where: string; said?: string }
  | { code: "notebook_exists"; path: string }
  /** What it would have after a change. */
  | { code: "notebook_would_be_too_large"; path: string; bytes: number; limit: number }
  | { code: "cell_not_found"; path: string; cell: string; version: string }
  | { code: "bad_cells"; cells: string; detail: string }
  | { code: "bad_edit"; edit: number; detail: string }
  | {
      code: "edit_conflict";
      path: string;
      /** The version that the edits were made for, and the present one. */
      since: string;
      version: string;
      /** What stands there now: the cells that an edit is about and that are others now. */
      cells: readonly { readonly id: string; readonly source: string | null }[];
    }
  | { code: "version_not_known"; path: string; version: string }
  | { code: "saved_meanwhile"; path: string }
  | { code: "room_not_answering"; path: string; seconds: number }
  | { code: "no_code"; path: string; cells: string }
  | { code: "signed_out" }
  | { code: "server_stopped"; host: string }
  | { code: "server_starting"; host: string; seconds: number }
  | { code: "server_start_failed"; host: string; detail: string }
  | { code: "server_limit"; host: string; detail: string }
  | { code: "scope_missing"; scopes: readonly string[] }
  | { code: "too_many_requests"; limit: number; seconds: number }
  | { code: "too_many_conversations"; limit: number }
  | { code: "too_many_executions"; limit: number }
  | { code: "too_much_stored"; stored: number; limit: number }
  | { code: "code_empty" }
  | { code: "code_too_long"; bytes: number; limit: number }
  | { code: "text_too_long"; bytes: number; limit: number };

/** A {@link Failure} on its way up, inside one process. Over RPC it travels as `{failure}`. */
export class ExpectedError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.code, options);
    this.name = "ExpectedError";
    this.failure = failure;
  }
}

/** What a Durable Object's method returns: an exception would lose its class over RPC. */
export type Outcome<T> = { ok: T } | { failure: Failure };

/**
 * What an error stands for; null for a bug. On its way between two objects, or an
 * object and the Worker, an {@link ExpectedError} loses all but its message: that
 * of a storage, which any method can meet, is known by it.
 */
export function failureOf(error: unknown): Failure | null {
  if (error instanceof ExpectedError) return error.failure;
  const isNewer = error instanceof Error && /\bstorage_newer$/.test(error.message);
  return isNewer ? { code: "storage_newer" } : null;
}

/**
 * Runs `work` and turns an {@link ExpectedError} into a value; anything else is a bug and throws.
 *
 * @param noted logs a bug where it is, and gives the id of that line. Only the id then
 *   goes on: the platform logs what leaves an object, and a message can quote anything
 */
export async function outcomeOf<T>(
  work: () => Promise<T> | T,
  noted?: (error: unknown) => string,
): Promise<Outcome<T>> {
  try {
    return { ok: await work() };
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== null) return { failure };
    const isToGoOn = isInterruption(error) || notedBug(error) !== null;
    if (noted === undefined || isToGoOn) throw error;
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(`bug ${noted(error)}`);
  }
}

/** The id under which an object has logged a bug already; null where it has not. */
export function notedBug(error: unknown): string | null {
  const { message } = error instanceof Error ? error : { message: "" };
  return /^bug ([0-9a-f]{8})$/.exec(message)?.[1] ?? null;
}

/** Whether an object that was called went away, as at a deploy. */
function isInterruption(error: unknown): boolean {
  const { retryable, durableObjectReset } = Object(error) as Record<string, unknown>;
  return retryable === true || durableObjectReset === true;
}

/** The value of an {@link Outcome}. Throws its failure as an {@link ExpectedError}. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if ("failure" in outcome) throw new ExpectedError(outcome.failure);
  return outcome.ok;
}
