-- Made by running code with the program as of 0ab5d3e, and dumping the storage of the object.
CREATE TABLE conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  );
INSERT INTO conversations (handle, used_at, summary) VALUES ('c_25jxajaotj', 1795635830503, '{"handle":"c_25jxajaotj","createdAt":1795635827532,"usedAt":1795635830503,"lastCode":"import time","lastExecution":"e6","lastState":"running","kernels":[{"id":"4888f9d6-068f-4a32-9d84-9f57dd26baab","kernelspec":"python3"},{"id":"8240eae9-9243-4c8e-b981-2adabe352407","kernelspec":"python3"},{"id":"58382d3a-fd74-4e4f-a4f3-674d526ebc35","kernelspec":"python3"},{"id":"97f67351-348a-4930-b17b-284ce4b9e0b2","kernelspec":"python3"}],"unfinished":["e5","e6"]}');
CREATE TABLE notebook_versions (
    path TEXT NOT NULL, version TEXT NOT NULL, given_at INTEGER NOT NULL, cells TEXT NOT NULL,
    PRIMARY KEY (path, version)
  ) WITHOUT ROWID
;
INSERT INTO notebook_versions (path, version, given_at, cells) VALUES ('old.ipynb', 'v3gb3sqa5if', 1795635829091, '33b212ad yqewm81kbg
51b8f1f0 2goag8qmapy');
CREATE TABLE notebooks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, modified TEXT NOT NULL, size INTEGER NOT NULL,
    language TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'pending', failures INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO notebooks (id, path, modified, size, language, state, failures) VALUES (1, 'old.ipynb', '2026-11-25T19:43:49.920654Z', 816, 'python', 'indexed', 0);
CREATE INDEX notebooks_by_state ON notebooks (state);
CREATE TABLE texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, notebook INTEGER NOT NULL, cell_id TEXT NOT NULL,
    position INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
  );
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (1, 1, '33b212ad', 0, 'source', 'print(''cell one'')');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (2, 1, '33b212ad', 0, 'outputs', 'cell one');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (3, 1, '51b8f1f0', 1, 'source', '6 * 7');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (4, 1, '51b8f1f0', 1, 'outputs', '42');
CREATE INDEX texts_by_notebook ON texts (notebook);
CREATE VIRTUAL TABLE trigrams USING fts5(
    text, tokenize='trigram', content='', contentless_delete=1
  );
CREATE TABLE listings (
    only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL, took_ms INTEGER NOT NULL, partial INTEGER NOT NULL
  );
INSERT INTO listings (only, at, took_ms, partial) VALUES (1, 1795635833544, 30, 0);
INSERT INTO trigrams (rowid, text) SELECT id, text FROM texts;
