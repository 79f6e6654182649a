import { spawn } from "node:child_process";

const ON_WINDOWS = process.platform === "win32";

/**
 * Runs a program to its end, without a shell. A program that cannot be started
 * (or takes longer than `timeoutMs`) is a failed run, with the reason as its
 * output, not an exception. So is one that `signal` stops; it is killed with all
 * that it started, because npm would take long to put things back.
 */
export function runCommand(
  program,
  args,
  { env = process.env, cwd, signal, timeoutMs } = {},
) {
  return new Promise((resolve) => {
    let stdout = "";
    let output = "";
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: !ON_WINDOWS,
      windowsHide: true,
    });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const timer = timeoutMs && setTimeout(() => killGroup(child), timeoutMs);
    const stop = () => killGroup(child);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
    const finish = (result) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      resolve(result);
    };
    child.on("error", (error) => {
      if (child.pid === undefined) finish({ ok: false, stdout, output: error.message });
    });
    child.on("close", (code) => finish({ ok: code === 0, stdout, output }));
  });
}

function killGroup(child) {
  if (child.pid === undefined) return;
  try {
    if (ON_WINDOWS) child.kill();
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** The end of a program's output, where it says why it failed. */
export function lastLines(output, count = 15) {
  return output.trim().split("\n").slice(-count).join("\n");
}

/** The beginning, where a program that explains itself at length says it. */
export function firstLines(output, count = 15) {
  return output.trim().split("\n").slice(0, count).join("\n");
}
