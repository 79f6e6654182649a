import type { Failure, UnreachableReason } from "../errors.ts";
import { isHiddenPath, isNotebookPath } from "../jupyter/paths.ts";
import { recipeFor } from "./kernel-recipes.ts";
import { idList, oneLine, quoted } from "./quoting.ts";

/** A {@link Failure} in words for whoever called. */
export interface Advice {
  /** What happened. */
  readonly message: string;
  /** One thing to do now, or one question for the user. */
  readonly next: string;
  /** What Jupyter said, shown as a quotation: it is data, never advice. */
  readonly quoted?: string;
  /** What stands in the user's files, in lines of their own: data too. */
  readonly listed?: readonly string[];
}

const UNREACHABLE: Readonly<Record<UnreachableReason, string>> = {
  network: "the connection was refused or lost",
  dns: "its name does not resolve",
  tls: "the TLS handshake failed",
  timeout: "it did not answer in time",
  proxy: "a proxy in front of it says that it is down",
};

const HIDDEN =
  "names that begin with a dot are out of its sight unless its setting ContentsManager.allow_hidden is on";

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
        next: "Ask the user to connect this server again in their client with the present token or, where JUPYTER_TOKEN is set for it, to correct that. Never ask for it in the chat.",
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
    case "answer_too_large":
      return {
        message: `Jupyter's answer has ${megabytes(failure.bytes)}; the limit here is ${megabytes(failure.limit)}.`,
        next: "Call run_code to look at it there, with code that shows the part that matters.",
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
        message: `${quoted(failure.kernel)} fits several kernels: ${failure.matches.join(", ")}.`,
        next: "Call again with more characters of the id.",
      };
    case "kernel_start_failed":
      return {
        message: `Jupyter could not start a kernel from kernelspec ${oneLine(failure.kernelspec)}.`,
        next: "Call list_kernels for the other kernelspecs, or ask the user to look at Jupyter's log.",
        quoted: failure.detail,
      };
    case "no_kernel":
      return {
        message: `Conversation ${failure.conversation} has no kernel yet.`,
        next: "Call run_code to start one.",
      };
    case "kernel_busy": {
      const { kernel, execution, isWaiting } = failure;
      const doing =
        execution === null
          ? "runs something for another client"
          : isWaiting
            ? `waits for the input of ${execution}`
            : `runs ${execution}`;
      return {
        message: `Kernel ${kernel.slice(0, 8)} ${doing}; until that ends it answers nothing else.`,
        next:
          execution === null
            ? "Call again later; list_kernels shows when it is idle."
            : isWaiting
              ? `Call send_input for ${execution}, or interrupt_kernel to stop it.`
              : `Call get_output with execution "${execution}" to wait for it, or interrupt_kernel to stop it.`,
      };
    }
    case "kernel_silent":
      return {
        message: `Kernel ${failure.kernel.slice(0, 8)} did not answer within ${failure.seconds} s. It may be busy with what it was asked.`,
        next: "Call list_kernels for its state, and interrupt_kernel if it stays busy.",
      };
    case "connection_lost":
      return {
        message: `The connection to kernel ${failure.kernel.slice(0, 8)} was lost before it answered.`,
        next: "Call again.",
      };
    case "request_not_known":
      return {
        message: `A kernel of ${oneLine(failure.kernelspec)} does not answer ${failure.request}.`,
        next: "Call run_code with the language's own way to show help.",
      };
    case "variables_not_known":
      return {
        message: `The variables of ${oneLine(failure.kernelspec)} (${oneLine(failure.language) || "unknown language"}) cannot be listed from outside; they can for Python, R, TypeScript in Deno and Rust.`,
        next: `Call run_code with ${variablesCode(failure.language)}.`,
      };
    case "variable_not_found":
      return {
        message: `There is no variable ${quoted(failure.name)}${failure.similar.length > 0 ? `; there is ${failure.similar.map(quoted).join(", ")}` : ""}.`,
        next: "Call list_variables without name for all of them.",
      };
    case "cursor_outside":
      return {
        message: `cursor ${failure.cursor} is outside of the code, which has ${failure.chars} characters.`,
        next: "Call again with a cursor within it, or without one for its end.",
      };
    case "notebook_has_kernel":
      return {
        message: `${quoted(failure.path)} runs in kernel ${failure.kernel.slice(0, 8)} (${failure.kernelspec}); another one would take its place, and its variables would be lost.`,
        next: "Leave out kernel to use it, or call shutdown_kernel for it first.",
      };
    case "kernelspec_not_found":
      return {
        message: `No installed kernel is called or speaks ${quoted(failure.kernel)}. Installed: ${failure.installed.join(", ") || "none"}.`,
        next: `Call again with one of these, or ask the user to ${installWords(failure.kernel)}.`,
      };
    case "kernelspec_ambiguous":
      return {
        message: `Several kernelspecs speak ${oneLine(failure.kernel)}: ${failure.matches.join(", ")}.`,
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
        next: "Call it again.",
      };
    case "storage_newer":
      return {
        message:
          "What is stored here was written by a newer version of this server than the one that runs now. Nothing of it was changed.",
        next: "Ask whoever runs this server to deploy the newer version again; what was running goes on then.",
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
    case "bad_query":
      return {
        message: `This query cannot be used: ${oneLine(failure.detail)}.`,
        next: 'Call again with words, a "phrase" in double quotes, or regex: true.',
      };
    case "bad_regex":
      return {
        message: `The pattern ${quoted(failure.pattern)} is not a valid regular expression (RE2 syntax): ${failure.detail}`,
        next: "Call again with a pattern that RE2 accepts.",
      };
    case "bad_path":
      return {
        message: `${quoted(failure.path)} is not a path that can be used: ${failure.detail}.`,
        next: "Call again with a path relative to Jupyter's root folder, with / between its parts; list_files shows them.",
      };
    case "file_not_found":
      return {
        message: `There is nothing at ${quoted(failure.path)}${isHiddenPath(failure.path) ? `, or Jupyter hides it: ${HIDDEN}` : ""}.`,
        next: isHiddenPath(failure.path)
          ? "Call run_code to look there."
          : "Call list_files to see what is there.",
      };
    case "file_exists":
      return {
        message: `${quoted(failure.path)} exists already. Nothing was changed.`,
        next: "Call again with another path, or ask the user whether it may be replaced.",
      };
    case "file_too_large":
      return {
        message: `${quoted(failure.path)} has ${megabytes(failure.bytes)}; the limit here is ${megabytes(failure.limit)}.`,
        next: isNotebookPath(failure.path)
          ? "Call run_code to read the parts of it that matter, or to make it smaller: most of it will be outputs."
          : "Call run_code to read the parts of it that matter.",
      };
    case "is_folder":
      return {
        message: `${quoted(failure.path)} is a folder.`,
        next: `Call list_files with it as path to see what is in it.`,
      };
    case "not_folder":
      return {
        message: `${quoted(failure.path)} is a file, and not a folder.`,
        next: "Call list_files to see which folders there are.",
      };
    case "target_is_folder":
      return {
        message: `${quoted(failure.path)} is a folder. Nothing was changed.`,
        next: `Call again with to: ${quoted(failure.inside)} to put it in there.`,
      };
    case "folder_not_empty":
      return {
        message: `The folder ${quoted(failure.path)} holds ${failure.entries} ${failure.entries === 1 ? "entry" : "entries"}; only an empty one is deleted.`,
        next: "Call list_files with it as path, and delete or move what is in it first.",
      };
    case "not_base64":
      return {
        message: `The content for ${quoted(failure.path)} is not base64. Nothing was written.`,
        next: 'Call write_file again with valid base64, or with encoding "text".',
      };
    case "bad_notebook_content":
      return {
        message: `The content for ${quoted(failure.path)} is no notebook: ${oneLine(failure.where)}. Nothing was written.`,
        next: "Call create_notebook with its cells, or write_file with a name that does not end in .ipynb.",
      };
    case "line_too_far":
      return {
        message: `Line ${failure.line} of ${quoted(failure.path)} was not reached within the first ${megabytes(failure.bytes)} (${failure.lines} lines), which is as far as was read.`,
        next: "Call run_code with code that seeks to the part that matters.",
      };
    case "write_refused":
      return {
        message: `Jupyter did not write ${quoted(failure.path)}${isHiddenPath(failure.path) ? `: ${HIDDEN}` : ""}.`,
        next: isHiddenPath(failure.path)
          ? "Call again with a name that does not begin with a dot, or run_code to write it."
          : "Ask the user whether Jupyter may write there and whether its disk has room.",
        quoted: failure.detail,
      };
    case "save_unanswered": {
      const read = isNotebookPath(failure.path) ? "read_notebook" : "read_file";
      return {
        message: `${quoted(failure.path)} may have been saved: Jupyter did not say, because ${UNREACHABLE[failure.reason]}.`,
        next: `Call ${read} to see what is there, before anything is done a second time.`,
      };
    }
    case "not_notebook":
      return {
        message: `${quoted(failure.path)} is not a notebook: its name does not end in ".ipynb".`,
        next: "Call read_file for other files, or list_files to find the notebook.",
      };
    case "notebook_too_slow":
      return {
        message: `${quoted(failure.path)} could not be read within ${failure.seconds} seconds, over the connection that Jupyter has.`,
        next: "Call run_code with code that reads the file there and shows the part that matters.",
      };
    case "bad_notebook":
      return {
        message: `${quoted(failure.path)} violates the notebook format: ${oneLine(failure.where)}.`,
        next: "Call read_file to look at it, and ask the user before repairing it.",
        ...(failure.said !== undefined && { quoted: failure.said }),
      };
    case "notebook_would_be_too_large":
      return {
        message: `${quoted(failure.path)} would have ${megabytes(failure.bytes)}; notebooks are edited and run here up to ${megabytes(failure.limit)}. Nothing was saved.`,
        next: "Call again with less in it, or clear outputs first; large data belongs into files of its own.",
      };
    case "notebook_exists":
      return {
        message: `${quoted(failure.path)} exists already. Nothing was changed.`,
        next: "Call read_notebook and edit_notebook to change it, or create_notebook with another path.",
      };
    case "cell_not_found":
      return {
        message: `${quoted(failure.path)} (version ${failure.version}) has no cell ${quoted(failure.cell)}. Nothing was done.`,
        next: "Call read_notebook for the ids of its cells.",
      };
    case "bad_cells":
      return {
        message: `cells: ${quoted(failure.cells)} cannot be used: ${oneLine(failure.detail)}.`,
        next: 'Call again with "all", or a list of cell ids, positions ("3", "3-7") or execution counts ("[12]").',
      };
    case "bad_edit":
      return {
        message: `Edit ${failure.edit} cannot be done: ${oneLine(failure.detail)}. No edit was made.`,
        next: "Call edit_notebook again with all edits, this one mended; read_notebook shows the cells.",
      };
    case "edit_conflict":
      return {
        message: `${quoted(failure.path)} was changed since ${quoted(failure.since)}, in what these edits are about (${idList(failure.cells.map(({ id }) => id))}). It is at version ${failure.version} now; no edit was made.`,
        next: `Call edit_notebook again with version "${failure.version}", the edits fitted to what is there now.`,
        listed: conflictLines(failure.cells),
      };
    case "version_not_known":
      return {
        message: `The version ${quoted(failure.version)} of ${quoted(failure.path)} is not known, or is more than a day old. No edit was made.`,
        next: "Call read_notebook to see what is there, then edit_notebook with the version that it gives.",
      };
    case "saved_meanwhile":
      return {
        message: `Somebody else saved ${quoted(failure.path)} again and again meanwhile. No edit was made.`,
        next: "Call read_notebook to see what is there, then edit_notebook again.",
      };
    case "room_not_answering":
      return {
        message: `${quoted(failure.path)} is edited live on this server, and its collaboration room did not answer within ${failure.seconds} s.`,
        next: "Call again in a moment. If it stays so, ask the user to restart Jupyter.",
      };
    case "no_code":
      return {
        message: `cells: ${quoted(failure.cells.slice(0, 200))} of ${quoted(failure.path)}: no cell there has code to run.`,
        next: "Call edit_notebook to add one, or read_notebook to find those that have.",
      };
    case "signed_out":
      return {
        message: "There are no credentials for this Jupyter server any more.",
        next: "Ask the user to connect this server again in their client.",
      };
    case "server_stopped":
      return {
        message: `The user's Jupyter server on ${failure.host} was stopped, by its JupyterHub or by a person. Its kernels and their variables are gone; files are as they were.`,
        next: "Call list_kernels or run_code: either starts it again. list_conversations shows what had run.",
      };
    case "server_starting":
      return {
        message: `The user's Jupyter server on ${failure.host} does not run yet: it has been starting for ${failure.seconds} s and goes on. Nothing was done.`,
        next: "Call again in a moment.",
      };
    case "server_start_failed":
      return {
        message: `JupyterHub on ${failure.host} could not start the user's Jupyter server. Nothing was done.`,
        next: "Call once more; if it fails again, ask the user to start the server on the Hub's own page, or to tell whoever runs the Hub.",
        quoted: failure.detail,
      };
    case "server_limit":
      return {
        message: `JupyterHub on ${failure.host} starts no further server for now: too many run or start. Nothing was done.`,
        next: "Wait some minutes, then call again; ask the user to tell whoever runs the Hub if it stays.",
        quoted: failure.detail,
      };
    case "scope_missing":
      return {
        message: `The user has not allowed that: it needs ${failure.scopes.join(" and ")}.`,
        next: "Ask the user to connect this server again and to allow it.",
      };
    case "too_many_requests":
      return {
        message: `More than ${failure.limit} calls within a minute.`,
        next: `Wait ${failure.seconds} s; get_output with wait_seconds waits for a run in one call.`,
      };
    case "too_many_conversations":
      return {
        message: `There are ${failure.limit} conversations, which is the limit.`,
        next: "Go on in one that list_conversations shows, or end one with end_conversation.",
      };
    case "too_many_executions":
      return {
        message: `${failure.limit} executions are unfinished in this user's conversations, which is the limit.`,
        next: "Wait for one (get_output) or stop one (interrupt_kernel); list_conversations shows where they are.",
      };
    case "too_much_stored":
      return {
        message: `The outputs of this user's conversations take ${megabytes(failure.stored)}; the limit is ${megabytes(failure.limit)}.`,
        next: "End conversations that are not needed any more with end_conversation.",
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

/** Code that lists variables in languages that are not looked at from outside. */
function variablesCode(language: string): string {
  switch (language.toLowerCase()) {
    case "bash":
      return '"declare -p", which shows all of them, or "declare -p NAME"';
    case "julia":
      return '"varinfo()"';
    case "octave":
    case "matlab":
      return '"whos"';
    default:
      return "code that prints those that matter";
  }
}

function installWords(kernel: string): string {
  const known = recipeFor(kernel);
  return known === null
    ? "install that kernel in their Jupyter"
    : `add ${known.language} to their Jupyter: ${known.recipe}`;
}

/** What is shown of the cells of a conflict, and of each. */
const MAX_CONFLICT_CHARS = 10_000;
const MAX_CONFLICT_CELL_CHARS = 2_000;

type ConflictCells = Extract<Failure, { code: "edit_conflict" }>["cells"];

function conflictLines(cells: ConflictCells): string[] {
  const lines: string[] = [];
  const cut: string[] = [];
  let left = MAX_CONFLICT_CHARS;
  for (const { id, source } of cells) {
    const shown = source?.slice(0, Math.min(left, MAX_CONFLICT_CELL_CHARS)) ?? "";
    left -= shown.length;
    if (source === null) lines.push(`${id} was deleted`);
    else if (shown !== "" || source === "")
      lines.push(
        `${id} is now${shown === source ? "" : ", as it begins"}: ${quoted(shown)}`,
      );
    if (source !== null && shown !== source) cut.push(id);
  }
  if (cut.length > 0)
    lines.push(`read_notebook cells: "${cut.join(",")}" shows the rest`);
  return lines;
}

function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}
