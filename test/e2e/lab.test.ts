/**
 * A notebook that a person has open in JupyterLab, without jupyter-collaboration,
 * while an assistant works on it. docs/notebooks.md says what they see.
 */
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import {
  Assisted,
  configureLab,
  DOCUMENTS,
  labTest,
  makeFile,
  Person,
  stored,
  waitingFor,
} from "./lab-support.ts";

const test = labTest();

/** HTML that says whether its script has run. */
const SCRIPTED = [
  "<b id='it'>script rests</b>",
  "<script>document.getElementById('it').textContent = 'script has run'</script>",
].join("");

test("an assistant's edit shows once the person reloads the notebook; a new notebook is listed by itself", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const notebook = await Assisted.create(assistant, "clean.ipynb", ["x = 1"]);
  await using person = await Person.opensNew(browser, jupyter, notebook.path);
  await notebook.edit(0, "x = 2");
  await Assisted.create(assistant, "another.ipynb", []);
  // By then JupyterLab has looked at the folder, and at what is new in it.
  await person.page.getByRole("listitem", { name: "another.ipynb" }).waitFor();
  await person.sees(["x = 1"]);
  await saveScreenshot(person.page, "lab-edit-not-shown");
  await person.reloads();
  await person.sees(["x = 2"]);
  await person.isUnsaved(false);
});

const CHOICES: readonly {
  button: string;
  page: readonly string[];
  disk: readonly string[];
  isUnsaved: boolean;
}[] = [
  {
    button: "Cancel",
    page: ["x = 1", "y = 10"],
    disk: ["x = 2", "y = 1"],
    isUnsaved: true,
  },
  {
    button: "Overwrite",
    page: ["x = 1", "y = 10"],
    disk: ["x = 1", "y = 10"],
    isUnsaved: false,
  },
  {
    button: "Revert",
    page: ["x = 2", "y = 1"],
    disk: ["x = 2", "y = 1"],
    isUnsaved: false,
  },
];

test.for(CHOICES)(
  "what a person typed stays on the page while an assistant edits; saving asks, and $button does as it says",
  async ({ button, page, disk, isUnsaved }, { jupyter, assistant, browser }) => {
    const name = `${button.toLowerCase()}.ipynb`;
    const notebook = await Assisted.create(assistant, name, ["x = 1", "y = 1"]);
    await using person = await Person.opensNew(browser, jupyter, name);
    await person.types(1, "0");
    await notebook.edit(0, "x = 2");
    await person.sees(["x = 1", "y = 10"]);

    await person.reloads();
    const reload = person.dialog("Are you sure you want to reload");
    await person.answers(reload, "Cancel");
    await person.sees(["x = 1", "y = 10"]);

    await person.presses("Control+s");
    await person.conflict.waitFor();
    await saveScreenshot(person.page, `lab-${button.toLowerCase()}`);
    expect((await stored(jupyter, name)).sources).toEqual(["x = 2", "y = 1"]);
    await person.answers(person.conflict, button);
    await person.isUnsaved(isUnsaved);
    await person.sees(page);
    expect((await stored(jupyter, name)).sources).toEqual(disk);
  },
);

test("autosave asks too, and again each time, until the person chooses; nothing is written meanwhile", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "autosave.ipynb";
  const notebook = await Assisted.create(assistant, name, ["x = 1", "y = 1"]);
  // Saved before, because a new notebook would be saved at any moment now.
  await (await Person.opensNew(browser, jupyter, name)).page.close();
  await configureLab(jupyter, DOCUMENTS, { autosaveInterval: 1 });
  await using person = await Person.opens(browser, jupyter, name);
  await configureLab(jupyter, DOCUMENTS, { autosave: false });
  await notebook.edit(0, "x = 2");
  await person.types(1, "0");
  await person.conflict.waitFor();
  expect(await person.conflict.locator(":focus").textContent()).toBe("Overwrite");
  await person.answers(person.conflict, "Cancel");
  await person.conflict.waitFor();
  await person.sees(["x = 1", "y = 10"]);
  await saveScreenshot(person.page, "lab-autosave");
  expect((await stored(jupyter, name)).sources).toEqual(["x = 2", "y = 1"]);
  await person.answers(person.conflict, "Revert");
});

test("a run shares the person's kernel at once; its outputs are on the page after a reload", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "shared.ipynb";
  const sources = [waitingFor("shared.go"), "x + 1"];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opensNew(browser, jupyter, name);
  const end = await notebook.begin([0]);
  await person.seesKernel("busy");
  await eventually(
    () => stored(jupyter, name),
    ({ printed }) => printed[0] === "begun\n",
  );
  await saveScreenshot(person.page, "lab-run-busy");
  await makeFile(jupyter, "shared.go");
  expect((await end()).execution.state).toBe("ok");
  await person.seesKernel("idle");
  await person.runs(1);
  await person.seesOutput(1, "42");
  expect(await person.countOutputs(0)).toBe(0);
  await saveScreenshot(person.page, "lab-run-not-shown");
  await person.reloads();
  await person.answers(person.dialog("Are you sure you want to reload"), "Reload");
  await person.seesOutput(0, "begun");
  expect(await person.countOutputs(1)).toBe(0);
  await saveScreenshot(person.page, "lab-run-shown");

  const restarted = await notebook.run([0], { restart: true });
  expect(restarted.execution.state, restarted.text).toBe("ok");
  expect(restarted.text).toContain("The kernel was restarted");
  await person.runs(1);
  await person.seesOutput(1, "42");
  expect(await person.page.getByRole("dialog").count()).toBe(0);
});

test("a run waits for the person's own cell; what they save meanwhile is kept, and its outputs come to it", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "waits.ipynb";
  const sources = [waitingFor("waits.go"), "print(x)"];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opensNew(browser, jupyter, name);
  await person.runs(0);
  await person.seesOutput(0, "begun");
  const end = await notebook.begin([1]);
  await person.types(1, "  # mine");
  // The run soon writes that its cell has no outputs yet; JupyterLab asks after that.
  await person.savesAnyway();
  await makeFile(jupyter, "waits.go");
  expect((await end()).execution.state).toBe("ok");
  await person.seesOutput(0, "done");
  const { sources: now, printed } = await stored(jupyter, name);
  expect(now[1]).toBe("print(x)  # mine");
  expect(printed).toEqual(["begun\n", "41\n"]);
});

test("Overwrite during a run keeps what the person typed, and the outputs of cells that have not ended", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "meanwhile.ipynb";
  const sources = ["print('first')", waitingFor("meanwhile.go"), "y = 1"];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opensNew(browser, jupyter, name);
  const end = await notebook.begin([0, 1]);
  await eventually(
    () => stored(jupyter, name),
    ({ printed }) => printed[0] === "first\n" && printed[1] === "begun\n",
  );
  await person.types(2, "0");
  await person.presses("Control+s");
  await person.answers(person.conflict, "Overwrite");
  await person.isUnsaved(false);
  await makeFile(jupyter, "meanwhile.go");
  const ended = await end();
  expect(ended.execution.state).toBe("ok");
  expect(ended.text).toContain("first");
  const { sources: now, printed } = await stored(jupyter, name);
  expect(now[2]).toBe("y = 10");
  // The page, which was written over the file, had no output of the first cell.
  expect(printed).toEqual(["", "begun\ndone\n", ""]);
});

test("JupyterLab no longer trusts a notebook that an assistant has edited: scripts in its outputs rest until the person trusts it again", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "trusted.ipynb";
  const sources = ["x = 1", `from IPython.display import HTML\nHTML("""${SCRIPTED}""")`];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opensNew(browser, jupyter, name);
  await person.runs(1);
  await person.seesOutput(1, "script has run");
  await person.saves();
  await person.reloads();
  await person.seesOutput(1, "script has run");
  await person.page.getByTitle("Notebook trusted: 2 of 2 code cells trusted.").waitFor();

  await notebook.edit(0, "x = 2");
  await person.reloads();
  await person.sees(["x = 2"]);
  await person.seesOutput(1, "script rests");
  await person.page.getByTitle("Notebook not trusted").waitFor();
  await saveScreenshot(person.page, "lab-not-trusted");

  await person.presses("Control+Shift+c");
  await person.page.getByRole("textbox", { name: "SEARCH" }).fill("Trust Notebook");
  await person.presses("Enter");
  await person.answers(person.dialog("Trust this notebook?"), "Trust");
  await person.seesOutput(1, "script has run");
});

test("what a person changed and saved is not overwritten by an edit that was made for the earlier version", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "theirs.ipynb";
  const notebook = await Assisted.create(assistant, name, ["x = 1", "y = 1"]);
  await using person = await Person.opensNew(browser, jupyter, name);
  await person.types(0, "0");
  await person.saves();
  const refused = await notebook.edit(0, "x = 2");
  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(/no edit was made[\s\S]*x = 10/);
  const passed = await notebook.edit(1, "y = 2");
  expect(passed.isError, passed.text).toBe(false);
  expect(passed.text).toContain("elsewhere");
  expect((await stored(jupyter, name)).sources).toEqual(["x = 10", "y = 2"]);
});
