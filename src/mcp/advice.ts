import type { Failure, UnreachableReason } from "../errors.ts";

/** A {@link Failure} in words for whoever called. */
export interface Advice {
  /** What happened. */
  readonly message: string;
  /** One thing to do now, or one question for the user. */
  readonly next: string;
  /** What Jupyter said, shown as a quotation: it is data, never advice. */
  readonly quoted?: string;
}

const UNREACHABLE: Readonly<Record<UnreachableReason, string>> = {
  network: "the connection was refused or lost",
  dns: "its name does not resolve",
  tls: "the TLS handshake failed",
  timeout: "it did not answer in time",
  proxy: "a proxy in front of it says that it is down",
};

/** What to say about a failure. A new kind does not compile until it has its words here. */
export function adviceFor(failure: Failure): Advice {
  switch (failure.code) {
    case "jupyter_unreachable":
      return {
        message: `Jupyter at ${failure.host} cannot be reached: ${UNREACHABLE[failure.reason]}.`,
        next: "Ask the user to check that Jupyter is running there and that JUPYTER_HOST and JUPYTER_PORT name it; then call again.",
      };
    case "token_rejected":
      return {
        message: failure.loginPage
          ? `Jupyter at ${failure.host} redirects to a login page (${failure.status}): it does not accept the token.`
          : `Jupyter at ${failure.host} rejects the token (${failure.status}).`,
        next: "Ask the user to set JUPYTER_TOKEN to the server's present token. Never ask for it in the chat.",
      };
    case "not_jupyter":
      return {
        message: `What answers at ${failure.host} is not a Jupyter server: ${failure.detail}.`,
        next: "Ask the user to check JUPYTER_HOST, JUPYTER_PORT and JUPYTER_BASE_PATH.",
      };
    case "jupyter_error":
      return {
        message: `Jupyter at ${failure.host} failed with status ${failure.status}.`,
        next: "Call again; if it stays, ask the user to look at Jupyter's log.",
        quoted: failure.detail,
      };
    case "rate_limited":
      return {
        message: `Jupyter at ${failure.host}, or a proxy before it, refuses further requests for now (429).`,
        next: "Wait a minute, then call again.",
      };
    case "subprotocol_unsupported":
      return {
        message: `Jupyter at ${failure.host} does not speak the v1.kernel.websocket.jupyter.org protocol.`,
        next: "Ask the user for Jupyter Server 2.0 or later, with kernel_ws_protocol at its default.",
      };
    case "kernel_not_found":
      return {
        message: `There is no kernel ${failure.kernel}. It may have been shut down or culled.`,
        next: "Call list_kernels to see what is running, or run_code without kernel.",
      };
    case "kernel_gone":
      return {
        message: `Kernel ${failure.kernelspec} ${failure.kernel.slice(0, 8)} is gone: it was shut down, culled, or ended with its server. Its variables are lost; nothing was done.`,
        next: `Call run_code again to start a new ${failure.kernelspec} (generation ${failure.generation}), beginning with the imports and data it needs.`,
      };
    case "kernel_ambiguous":
      return {
        message: `"${failure.kernel}" fits several kernels: ${failure.matches.join(", ")}.`,
        next: "Call again with more characters of the id.",
      };
    case "kernel_start_failed":
      return {
        message: `Jupyter could not start a kernel from kernelspec ${failure.kernelspec}.`,
        next: "Call list_kernels for the other kernelspecs, or ask the user to look at Jupyter's log.",
        quoted: failure.detail,
      };
    case "no_kernel":
      return {
        message: `Conversation ${failure.conversation} has no kernel yet.`,
        next: "Call run_code to start one.",
      };
    case "kernelspec_not_found":
      return {
        message: `No installed kernel is called or speaks "${failure.kernel}". Installed: ${failure.installed.join(", ") || "none"}.`,
        next: "Call again with one of these, or ask the user to install that kernel in their Jupyter.",
      };
    case "kernelspec_ambiguous":
      return {
        message: `Several kernelspecs speak ${failure.kernel}: ${failure.matches.join(", ")}.`,
        next: "Call again with one of these names.",
      };
    case "conversation_not_found":
      return {
        message: `There is no conversation ${failure.conversation}. It was never started here, has ended, or belongs to another user or server.`,
        next: "Call list_conversations to find it, or run_code without conversation to start a new one.",
      };
    case "conversation_interrupted":
      return {
        message: `The server was interrupted in conversation ${failure.conversation}. What was asked for may have been done, and a run goes on.`,
        next: `Call get_output with conversation "${failure.conversation}" to see how it stands, before anything is done a second time.`,
      };
    case "run_not_begun":
      return {
        message: "The server was interrupted before the run was begun; nothing was run.",
        next: "Call run_code again.",
      };
    case "execution_not_found":
      return failure.latest === null
        ? {
            message: `There is no execution ${failure.execution}: nothing was run here yet.`,
            next: "Call run_code.",
          }
        : {
            message: `There is no execution ${failure.execution} here; the latest is ${failure.latest}.`,
            next: "Call get_output without execution to list them.",
          };
    case "not_waiting_for_input":
      return {
        message: `${failure.execution} does not wait for input; its state is ${failure.state}.`,
        next: `Call get_output with execution "${failure.execution}" to see its output.`,
      };
    case "image_not_found":
      return {
        message: `There is no image ${failure.image}; the output has ${failure.images}.`,
        next: "Call get_output with one of the numbers that its text shows.",
      };
    case "image_too_large":
      return {
        message: `Image ${failure.image} (${failure.mime}, ${failure.bytes} bytes) is too large to send.`,
        next: "Run code that makes it again at a lower resolution.",
      };
    case "bad_regex":
      return {
        message: `The pattern ${JSON.stringify(failure.pattern)} is not a valid regular expression (RE2 syntax): ${failure.detail}`,
        next: "Call again with a pattern that RE2 accepts.",
      };
    case "code_empty":
      return { message: "There is no code to run.", next: "Call run_code with code." };
    case "code_too_long":
      return {
        message: `The code has ${failure.bytes} bytes; the limit is ${failure.limit}. Nothing was run.`,
        next: "Run it in parts, or load data from a file instead of writing it into the code.",
      };
    case "text_too_long":
      return {
        message: `The text has ${failure.bytes} bytes; the limit is ${failure.limit}. Nothing was sent.`,
        next: "Send a shorter text; the execution still waits.",
      };
  }
}
