// Preloaded into a child process: when its parent is gone, however that came
// about, the channel between them closes, and the child ends too.
process.on("disconnect", () => {
  // Windows has no signals that a process could do something at.
  if (process.platform === "win32") process.exit(143);
  process.kill(process.pid, "SIGTERM");
});
process.channel?.unref();
