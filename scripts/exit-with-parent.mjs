// Preloaded into a child process: when its parent is gone, however that came
// about, the channel between them closes, and the child ends too.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
