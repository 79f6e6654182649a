import { copyProject, type Project, start, type Started } from "./support.ts";
import { test as base } from "./with-browser.ts";

/** A test of a file that shares one `npm start`, which is begun when the first asks for it, and one Chromium. */
export const test = base.extend<{ $file: { project: Project; server: Started } }>({
  project: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using project = await copyProject();
      await use(project);
    },
    { scope: "file" },
  ],
  server: [
    async ({ project }, use) => {
      await using server = await start(project);
      await use(server);
    },
    { scope: "file" },
  ],
});
