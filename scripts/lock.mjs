/**
 * A lock between processes is a file that names its holder. The holder touches
 * it while it lives; a lock whose holder is gone, or that nobody touched for a
 * while (the number of a dead process may belong to another one by now), or
 * that came along in a copy of the folder, is taken over.
 */
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TOUCH_EVERY_MS = 2_000;
const STALE_AFTER_MS = 12_000;
const POLL_EVERY_MS = 200;

/** Takes the lock if it is free; otherwise says which process holds it. Never waits. */
export async function tryLock(file) {
  file = path.resolve(file);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  for (;;) {
    try {
      await writeFile(file, `${process.pid}\n${file}\n`, { flag: "wx", mode: 0o600 });
      return { release: keepAlive(file) };
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const found = await readLock(file);
    if (found === undefined) continue;
    if (isHeld(found, file)) return { heldBy: found.pid };
    await removeStale(file, found);
  }
}

/** Does `work` while no other process holds the lock. `onWait` is called once when it has to wait. */
export async function withLock(file, work, { onWait, signal } = {}) {
  let waiting = false;
  for (;;) {
    const lock = await tryLock(file);
    if (lock.release) {
      try {
        return await work();
      } finally {
        await lock.release();
      }
    }
    if (!waiting) onWait?.(lock.heldBy);
    waiting = true;
    await sleep(POLL_EVERY_MS, undefined, { signal });
  }
}

function keepAlive(file) {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, TOUCH_EVERY_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await rm(file, { force: true });
  };
}

async function readLock(file) {
  try {
    const { mtimeMs } = await stat(file);
    const text = await readFile(file, "utf8");
    const [pid, place] = text.split("\n");
    return { text, pid: Number(pid), place, ageMs: Date.now() - mtimeMs };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isHeld(found, file) {
  if (found.ageMs > STALE_AFTER_MS) return false;
  // Its holder is about to write it.
  if (found.text === "") return true;
  return found.place === file && isAlive(found.pid);
}

/** Whether there is a process of that number. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function removeStale(file, found) {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
    // Another process may have replaced the stale lock by its own meanwhile.
    const moved = await readFile(aside, "utf8");
    if (moved === found.text) await rm(aside, { force: true });
    else await rename(aside, file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
