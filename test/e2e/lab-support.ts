/**
 * A notebook that a person has open in JupyterLab while an assistant works on it.
 */
import path from "node:path";
import type { Browser, Locator, Page, Response } from "playwright-core";
import { expect, test as base } from "vitest";
import { z } from "zod";
import type { JupyterServer } from "../../scripts/jupyter-server.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type Collaboration, startTestJupyter } from "../support/jupyter.ts";
import { type Called, connectClient, type McpClient } from "../support/mcp-client.ts";
import { copyProject, removeFolder, start, temporaryFolder } from "./support.ts";

/** The extension of JupyterLab that saves documents. */
export const DOCUMENTS = "docmanager-extension:plugin";
const NOTIFICATIONS = "apputils-extension:notification";

/**
 * A test of a file that shares a Jupyter server with JupyterLab, an assistant and
 * a browser.
 *
 * @param collaboration whether the server has jupyter-collaboration
 */
export function labTest(collaboration: Collaboration = false) {
  return base.extend<{
    $file: { jupyter: JupyterServer; assistant: McpClient; browser: Browser };
  }>({
    jupyter: [
      // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
      async ({}, use) => {
        await using opened = new AsyncDisposableStack();
        const folder = await temporaryFolder();
        opened.defer(() => removeFolder(folder));
        const jupyter = await startTestJupyter({
          rootDir: path.join(folder, "notebooks"),
          runtimeDir: path.join(folder, "runtime"),
          collaboration,
        });
        opened.use(jupyter);
        // It would ask whether it may.
        await configureLab(jupyter, NOTIFICATIONS, { fetchNews: "false" });
        // Nothing but the person saves, except where a test is about that.
        await configureLab(jupyter, DOCUMENTS, { autosave: false });
        await use(jupyter);
      },
      { scope: "file" },
    ],
    assistant: [
      async ({ jupyter }, use) => {
        await using project = await copyProject({
          JUPYTER_HOST: "127.0.0.1",
          JUPYTER_PORT: String(jupyter.port),
          JUPYTER_TOKEN: jupyter.token,
        });
        await using server = await start(project);
        await using client = await connectClient("modern", server.url);
        await use(client);
      },
      { scope: "file" },
    ],
    browser: [
      // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
      async ({}, use) => {
        await using browser = await openBrowser();
        await use(browser);
      },
      { scope: "file" },
    ],
  });
}

/** Asks the Jupyter server itself, past the assistant and JupyterLab. */
export async function ask(jupyter: JupyterServer, url: string, init: RequestInit = {}) {
  const answer = await fetch(`${jupyter.url}${url}`, {
    ...init,
    headers: { authorization: `token ${jupyter.token}` },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return text;
}

/** Gives an extension of JupyterLab settings for the pages that are opened from now on. */
export async function configureLab(
  jupyter: JupyterServer,
  extension: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  await ask(jupyter, `/lab/api/settings/@jupyterlab/${extension}`, {
    method: "PUT",
    body: JSON.stringify({ raw: JSON.stringify(settings) }),
  });
}

const storedSchema = z.object({
  metadata: z.object({ language_info: z.object({ version: z.string().optional() }) }),
  cells: z.array(
    z.object({
      source: z.array(z.string()),
      outputs: z.array(z.object({ text: z.array(z.string()).default([]) })),
    }),
  ),
});

/** The sources and the printed outputs of the cells and the language's version, as they stand on disk. */
export async function stored(jupyter: JupyterServer, notebook: string) {
  // While Jupyter saves a file, it is empty or ends anywhere.
  const whole = await eventually(
    () => ask(jupyter, `/files/${notebook}`).catch(() => "not to be read"),
    (found) => found.endsWith("}\n"),
  );
  const { cells, metadata } = storedSchema.parse(JSON.parse(whole));
  return {
    sources: cells.map(({ source }) => source.join("")),
    printed: cells.map(({ outputs }) => outputs.flatMap(({ text }) => text).join("")),
    languageVersion: metadata.language_info.version,
  };
}

const notebookSchema = z.object({
  version: z.string(),
  cells: z.array(z.object({ id: z.string() })),
});

function notebookOf({ meta }: Called) {
  return notebookSchema.parse(meta["jupyter-edge/notebook"]);
}

/** A notebook as the assistant made it, and works on it. */
export class Assisted {
  readonly #client: McpClient;
  readonly path: string;
  readonly #ids: readonly string[];
  #version: string;

  constructor(client: McpClient, notebook: string, made: Called) {
    const { version, cells } = notebookOf(made);
    this.#client = client;
    this.path = notebook;
    this.#version = version;
    this.#ids = cells.map(({ id }) => id);
  }

  static async create(client: McpClient, notebook: string, sources: readonly string[]) {
    const cells = sources.map((source) => ({ cell_type: "code", source }));
    const made = await client.call("create_notebook", { path: notebook, cells });
    expect(made.isError, made.text).toBe(false);
    return new Assisted(client, notebook, made);
  }

  /** Replaces a cell, for the version of the last edit that was made. */
  edit(cell: number, source: string): Promise<Called> {
    return this.#edit({ op: "replace", cell: this.#ids[cell], source });
  }

  /** Inserts a cell of code after another one. */
  insertAfter(cell: number, source: string): Promise<Called> {
    const after = this.#ids[cell];
    return this.#edit({ op: "insert", after, cell_type: "code", source });
  }

  async #edit(edit: Readonly<Record<string, unknown>>): Promise<Called> {
    const edited = await this.#client.call("edit_notebook", {
      path: this.path,
      version: this.#version,
      edits: [edit],
    });
    if (!edited.isError) this.#version = notebookOf(edited).version;
    return edited;
  }

  run(cells: readonly number[], args: Readonly<Record<string, unknown>> = {}) {
    return this.#client.call("run_cells", {
      path: this.path,
      cells: cells.map((cell) => this.#ids[cell]),
      ...args,
    });
  }

  /** Begins a run and leaves it alone. What is returned waits for its end. */
  async begin(cells: readonly number[]): Promise<() => Promise<Called>> {
    const { execution, text } = await this.run(cells, { wait_seconds: 0 });
    expect(execution.state, text).toBe("running");
    return () =>
      this.#client.call("get_output", {
        conversation: execution.conversation,
        execution: execution.execution,
        wait_seconds: 50,
      });
  }
}

/** A person who has one notebook open in JupyterLab. */
export class Person implements AsyncDisposable {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async opens(
    browser: Browser,
    jupyter: JupyterServer,
    notebook: string,
  ): Promise<Person> {
    const person = new Person(await openPage(browser));
    // In a workspace of its own, as JupyterLab opens again what the last page had open.
    const workspace = path.basename(notebook, ".ipynb");
    await person.page.goto(
      `${jupyter.url}/lab/workspaces/${workspace}/tree/${notebook}?token=${jupyter.token}`,
    );
    await person.seesKernel("idle");
    return person;
  }

  /** Opens a notebook for the first time, and saves it as it is. */
  static async opensNew(
    browser: Browser,
    jupyter: JupyterServer,
    notebook: string,
  ): Promise<Person> {
    const person = await Person.opens(browser, jupyter, notebook);
    // JupyterLab adds what it learns of the kernel, bit by bit, and nobody has saved that.
    await person.isUnsaved(true);
    await eventually(
      async () => {
        await person.saves();
        return (await stored(jupyter, notebook)).languageVersion;
      },
      (version) => version !== undefined,
    );
    await person.isUnsaved(false);
    return person;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.page.close();
  }

  async seesKernel(status: "busy" | "idle"): Promise<void> {
    await this.page
      .locator(`.jp-Notebook-ExecutionIndicator[data-status="${status}"]`)
      .waitFor();
  }

  /** A dialog of JupyterLab's with this title. */
  dialog(title: string): Locator {
    return this.page.getByRole("dialog").filter({ hasText: title });
  }

  get conflict(): Locator {
    return this.dialog("has changed on disk since the last time it was opened or saved");
  }

  async answers(dialog: Locator, button: string): Promise<void> {
    await dialog.getByRole("button", { name: button }).click();
    await dialog.waitFor({ state: "detached" });
  }

  async presses(keys: string): Promise<void> {
    await this.page.keyboard.press(keys);
  }

  /** Saves, and waits until that is done, without a question. */
  async saves(): Promise<void> {
    const answered: string[] = [];
    const note = (answer: Response) => {
      const { pathname } = new URL(answer.url());
      answered.push(`${answer.request().method()} ${pathname}`);
    };
    this.page.on("response", note);
    await eventually(
      async () => {
        // JupyterLab passes over the keys while it ends an earlier save.
        if (!answered.some((line) => line.startsWith("PUT /api/contents/")))
          await this.presses("Control+s");
        return answered;
      },
      // The last that JupyterLab does of a save.
      (lines) => lines.some((line) => /^POST .*\/checkpoints$/.test(line)),
    );
    this.page.off("response", note);
    expect(await this.page.getByRole("dialog").count()).toBe(0);
  }

  /** Saves, whether JupyterLab asks or not. */
  async savesAnyway(): Promise<void> {
    await this.presses("Control+s");
    const saved = this.page.locator(
      ".lm-DockPanel-tabBar .lm-mod-current:not(.jp-mod-dirty)",
    );
    await eventually(
      async () => (await saved.count()) + (await this.conflict.count()),
      (count) => count > 0,
    );
    if ((await this.conflict.count()) > 0) await this.answers(this.conflict, "Overwrite");
    await this.isUnsaved(false);
  }

  /** Waits until the tab has, or has not, the mark of a notebook with something unsaved. */
  async isUnsaved(is: boolean): Promise<void> {
    const marked = this.page.locator(".lm-DockPanel-tabBar .jp-mod-dirty");
    await marked.waitFor({ state: is ? "attached" : "detached" });
  }

  /** Takes what is on disk, which JupyterLab asks about where something is unsaved. */
  async reloads(): Promise<void> {
    await this.page.getByRole("menuitem", { name: "File", exact: true }).click();
    await this.page.getByRole("menuitem", { name: "Reload Notebook from Disk" }).click();
  }

  /** Puts the cursor at the end of a cell. */
  async clicksInto(cell: number): Promise<void> {
    await this.#cell(cell).locator(".cm-content").click();
    await this.presses("Control+End");
  }

  async types(cell: number, text: string): Promise<void> {
    await this.clicksInto(cell);
    await this.page.keyboard.type(text);
    await this.isUnsaved(true);
  }

  async runs(cell: number): Promise<void> {
    await this.#cell(cell).locator(".cm-content").click();
    await this.presses("Control+Enter");
  }

  /** Waits until the cells are these. */
  async sees(sources: readonly string[]): Promise<void> {
    await eventually(
      () => Promise.all(sources.map((_, cell) => this.source(cell))),
      (seen) => JSON.stringify(seen) === JSON.stringify(sources),
    );
  }

  /** Waits until a cell has this among its outputs. */
  async seesOutput(cell: number, text: string): Promise<void> {
    await this.#cell(cell).locator(".jp-OutputArea").getByText(text).waitFor();
  }

  /** What stands in a cell. */
  async source(cell: number): Promise<string> {
    return (await this.#cell(cell).locator(".cm-line").allTextContents()).join("\n");
  }

  /** Waits until this stands before a cell. */
  async seesPrompt(cell: number, prompt: string): Promise<void> {
    const before = this.#cell(cell).locator(".jp-InputPrompt");
    await before.getByText(prompt, { exact: true }).waitFor();
  }

  /** Waits until a cell has an image among its outputs. */
  async seesImage(cell: number): Promise<void> {
    await this.#cell(cell).locator(".jp-OutputArea img").waitFor();
  }

  /** What the outputs of a cell read. */
  async outputText(cell: number): Promise<string> {
    const shown = this.#cell(cell).locator(".jp-OutputArea-output");
    return (await shown.allInnerTexts()).join("\n");
  }

  countOutputs(cell: number): Promise<number> {
    return this.#cell(cell).locator(".jp-OutputArea-output").count();
  }

  #cell(cell: number): Locator {
    return this.page.locator(".jp-Notebook .jp-Cell").nth(cell);
  }
}

/** Code that says that it has begun, and goes on when there is a file of this name. */
export function waitingFor(file: string): string {
  return [
    "import pathlib, time",
    "print('begun', flush=True)",
    `while not pathlib.Path('${file}').exists(): time.sleep(0.05)`,
    "print('done')",
    "x = 41",
  ].join("\n");
}
/** Makes an empty file. */
export async function makeFile(jupyter: JupyterServer, file: string): Promise<void> {
  const body = JSON.stringify({ type: "file", format: "text", content: "" });
  await ask(jupyter, `/api/contents/${file}`, { method: "PUT", body });
}
