import type { Message } from "../jupyter/messages.ts";

/** Stands for the session of a kernel that has put several on its messages about one request. */
const VARIOUS = "*";

/** What identifies a kernel's process, as far as it is known. Empty and 0 where it is not. */
export interface ProcessTrace {
  readonly processSession: string;
  readonly lastCount: number;
}

/**
 * Whether `message`, which answers a request of ours, comes from another process
 * than what came before, and the trace that it leaves.
 *
 * ipykernel puts a session id of its own process on its messages; a process that
 * was replaced has another. IRkernel and evcxr echo the session of whoever asked,
 * which is then `ourSession` and says nothing; nor does one that differs between
 * messages about the same request, for a new process knows nothing of that
 * (`isSameRequest`: an earlier message was about it too). What remains is a count
 * that does not go up from one execution to the next.
 */
export function observeProcess(
  trace: ProcessTrace,
  message: Message,
  ourSession: string,
  isSameRequest: boolean,
): { readonly replaced: boolean; readonly trace: ProcessTrace } {
  const { session, msg_type } = message.header;
  const hasOwn =
    session !== "" && session !== ourSession && trace.processSession !== VARIOUS;
  const isOther = isOtherProcess(trace, message, ourSession);
  const otherSession = isOther && !isSameRequest;
  const ownSession = isOther && isSameRequest ? VARIOUS : session;
  const processSession = hasOwn ? ownSession : trace.processSession;
  const count = msg_type === "execute_reply" ? countOf(message) : 0;
  if (count === 0) {
    return {
      replaced: otherSession,
      trace: { processSession, lastCount: otherSession ? 0 : trace.lastCount },
    };
  }
  const fell = !otherSession && trace.lastCount > 0 && count <= trace.lastCount;
  return { replaced: otherSession || fell, trace: { processSession, lastCount: count } };
}

/** Whether `message` carries the session of another process than the one that is known. */
export function isOtherProcess(
  { processSession }: Pick<ProcessTrace, "processSession">,
  { header: { session } }: Message,
  ourSession: string,
): boolean {
  const isKnown = processSession !== "" && processSession !== VARIOUS;
  return (
    isKnown && session !== "" && session !== ourSession && processSession !== session
  );
}

function countOf(message: Message): number {
  const { status, execution_count: count } = message.content;
  return typeof count === "number" && (status === "ok" || status === "error") ? count : 0;
}
