/** Ends this process with an error where it has not come to its end within so many minutes. */
export function endWithin(minutes: number): void {
  const timer = setTimeout(() => {
    console.error(`It was not done in ${minutes} minutes.`);
    process.exit(1);
  }, minutes * 60_000);
  timer.unref();
}
