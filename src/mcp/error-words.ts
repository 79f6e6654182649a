import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from "@modelcontextprotocol/server";
import { failureOf, notedBug, type Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import { adviceFor } from "./advice.ts";
import { CallLog } from "./call-log.ts";
import { quoted } from "./quoting.ts";

/**
 * Whatever was thrown, in words for whoever called. What is not expected is
 * logged under an id, without its text.
 */
export function errorText(log: Log, isRepeatable: boolean, error: unknown): string {
  const failure = failureOf(error);
  if (failure !== null) {
    const { message, next, quoted: said = "", listed = [] } = adviceFor(failure);
    const quotation = said === "" ? [] : [`It said: ${quoted(said)}`];
    return [message, ...quotation, ...listed, `Next: ${next}`].join("\n");
  }
  const id = notedBug(error) ?? log.bug({}, error);
  const next = isRepeatable
    ? "Call again; if it stays, report that id to whoever runs this server."
    : "It may have been done all the same: look with list_conversations and get_output before calling again.";
  return `Something went wrong in the server itself (error ${id}).\nNext: ${next}`;
}

/** What is not there. */
const MISSES: readonly Failure["code"][] = [
  "file_not_found",
  "conversation_not_found",
  "execution_not_found",
];

/** What another request would have to say, rather than Jupyter or this server to do. */
const ASKED_WRONGLY: readonly Failure["code"][] = [
  "bad_path",
  "file_too_large",
  "is_folder",
  "not_notebook",
  "scope_missing",
];

/**
 * Does what a client asked for otherwise than through a tool. Whatever is thrown
 * becomes an error of the protocol with words of ours: the SDK would show a
 * message as it is.
 *
 * @param uri of the resource that is asked for, where it is one
 */
export async function orProtocolError<T>(
  log: Log,
  work: () => Promise<T> | T,
  uri?: string,
): Promise<T> {
  const call = new CallLog(log);
  try {
    const done = await work();
    call.answered();
    return done;
  } catch (error) {
    call.failed(error);
    const words = errorText(log, true, error);
    const code = failureOf(error)?.code ?? null;
    if (code === null) throw new ProtocolError(ProtocolErrorCode.InternalError, words);
    if (!MISSES.includes(code))
      throw new ProtocolError(
        ASKED_WRONGLY.includes(code)
          ? ProtocolErrorCode.InvalidParams
          : ProtocolErrorCode.InternalError,
        words,
      );
    throw uri === undefined
      ? new ProtocolError(ProtocolErrorCode.InvalidParams, words)
      : new ResourceNotFoundError(uri, words);
  }
}
