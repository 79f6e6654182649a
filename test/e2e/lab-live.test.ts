/**
 * A notebook that a person has open in JupyterLab with jupyter-collaboration
 * while an assistant works on it. docs/notebooks.md says what they see.
 */
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import {
  Assisted,
  labTest,
  makeFile,
  Person,
  stored,
  waitingFor,
} from "./lab-support.ts";

const test = labTest(true);

test("the assistant is among the collaborators, with a name and the notebook that it works on", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "churn.ipynb";
  const sources = [
    [
      "import pandas as pd",
      "leavers = pd.DataFrame({'year': [2024, 2025, 2026], 'left': [31, 27, 12]})",
    ].join("\n"),
    "leavers.plot.bar('year', 'left', figsize=(6, 3), legend=False, rot=0);",
  ];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opens(browser, jupyter, name);
  await person.page.locator('.lm-TabBar-tab[data-id="jp-collaboration-panel"]').click();
  const collaborators = person.page.locator(".jp-CollaboratorsList");
  const ran = await notebook.run([0, 1]);
  expect(ran.isError, ran.text).toBe(false);
  await notebook.insertAfter(1, "leavers['left'].pct_change()");
  await collaborators.getByText("Assistant").click();
  await collaborators.getByText(name).waitFor();
  await person.seesImage(1);
  await person.sees([...sources, "leavers['left'].pct_change()"]);
  await saveScreenshot(person.page, "live-collaborators");
});

test("a cell that the assistant inserts appears on the page by itself, and what the person types meanwhile stays", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "together.ipynb";
  const notebook = await Assisted.create(assistant, name, ["x = 1", "y = 1"]);
  await using person = await Person.opens(browser, jupyter, name);
  await person.sees(["x = 1", "y = 1"]);
  await person.clicksInto(1);
  const typed = "0 + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9";
  const typing = person.page.keyboard.type(typed, { delay: 20 });
  const inserted = await notebook.insertAfter(0, "between = 1");
  expect(inserted.isError, inserted.text).toBe(false);
  const edited = await notebook.edit(0, "x = 2");
  expect(edited.isError, edited.text).toBe(false);
  await typing;
  const sources = ["x = 2", "between = 1", `y = 1${typed}`];
  await person.sees(sources);
  expect(await person.page.getByRole("dialog").count()).toBe(0);
  await eventually(
    () => stored(jupyter, name),
    ({ sources: there }) => JSON.stringify(there) === JSON.stringify(sources),
  );
  // Undo takes back what the person typed, and not what the assistant did.
  await person.presses("Control+z");
  await eventually(
    async () => (await person.source(2)).length,
    (length) => length < `y = 1${typed}`.length,
  );
  expect(await person.source(1)).toBe("between = 1");
});

test("outputs appear on the page as they are printed, bars that redraw themselves, displays and errors too", async ({
  jupyter,
  assistant,
  browser,
}) => {
  const name = "printed.ipynb";
  const drawing = [
    "import pathlib, time",
    "from IPython.display import display",
    "for n in range(30):",
    "    print(f'\\r{n + 1} of 30', end='', flush=True)",
    "    time.sleep(0.05)",
    "print()",
    "shown = display('first', display_id=True)",
    "print('between', flush=True)",
    "shown.update('second')",
    "print('last')",
    "1 / 0",
  ].join("\n");
  const sources = [waitingFor("printed.go"), drawing];
  const notebook = await Assisted.create(assistant, name, sources);
  await using person = await Person.opens(browser, jupyter, name);
  const end = await notebook.begin([0]);
  await person.seesOutput(0, "begun");
  await person.seesPrompt(0, "[*]:");
  await saveScreenshot(person.page, "live-printed");
  await makeFile(jupyter, "printed.go");
  expect((await end()).execution.state).toBe("ok");
  await person.seesOutput(0, "done");
  await person.seesPrompt(0, "[1]:");
  const failed = await notebook.run([1]);
  expect(failed.execution.state).toBe("error");
  await person.seesOutput(1, "ZeroDivisionError: division by zero");
  const shown = await person.outputText(1);
  expect(shown).toMatch(/^30 of 30\s+'second'\s+between\s+last\s/);
  const printed = shown.slice(0, shown.indexOf("ZeroDivisionError"));
  expect(printed.match(/of 30|second|between|last/g)).toHaveLength(4);
  await saveScreenshot(person.page, "live-failed");
  // The same as on a page that is opened later.
  await using later = await Person.opens(browser, jupyter, name);
  await later.seesOutput(1, "ZeroDivisionError: division by zero");
  expect(await later.outputText(1)).toBe(shown);
});
