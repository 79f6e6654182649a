-- Made by running code with the program as of ea47bdb, and dumping the storage of the object.
CREATE TABLE conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  );
INSERT INTO conversations (handle, used_at, summary) VALUES ('c_azgu7wnenm', 1795635811618, '{"handle":"c_azgu7wnenm","createdAt":1795635809514,"usedAt":1795635811618,"lastCode":"import time","lastExecution":"e6","lastState":"running","kernels":[{"id":"ef7b315f-4e44-46a1-8ae7-fc583bdae88b","kernelspec":"python3"},{"id":"ffae8de8-9826-49cc-848a-6f7be0d27336","kernelspec":"python3"},{"id":"4e272264-a5a7-4be5-883b-ba7c6858b818","kernelspec":"python3"},{"id":"9be052e9-d3c9-4bf4-b700-5d4d9cc7cce0","kernelspec":"python3"}],"unfinished":["e5","e6"]}');
CREATE TABLE room_offer (
    only INTEGER PRIMARY KEY CHECK (only = 1), started_at TEXT NOT NULL, is_offered INTEGER NOT NULL
  );
INSERT INTO room_offer (only, started_at, is_offered) VALUES (1, '2026-11-25T19:43:20.226269Z', 1);
CREATE TABLE notebook_versions (
    path TEXT NOT NULL, version TEXT NOT NULL, given_at INTEGER NOT NULL, cells TEXT NOT NULL,
    PRIMARY KEY (path, version)
  ) WITHOUT ROWID
;
INSERT INTO notebook_versions (path, version, given_at, cells) VALUES ('old.ipynb', 'vaua2ycrj84', 1795635810268, '0fb64a9c 1byg5ahj4rs
084cf44c d43hczy8sv');
CREATE TABLE notebooks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, modified TEXT NOT NULL, size INTEGER NOT NULL,
    language TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'pending', failures INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO notebooks (id, path, modified, size, language, state, failures) VALUES (1, 'old.ipynb', '2026-11-25T19:43:31.176804Z', 816, 'python', 'indexed', 0);
CREATE INDEX notebooks_by_turn ON notebooks (state, failures);
CREATE TABLE texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, notebook INTEGER NOT NULL, cell_id TEXT NOT NULL,
    position INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
  );
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (1, 1, '0fb64a9c', 0, 'source', 'print(''cell one'')');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (2, 1, '0fb64a9c', 0, 'outputs', 'cell one');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (3, 1, '084cf44c', 1, 'source', '6 * 7');
INSERT INTO texts (id, notebook, cell_id, position, kind, text) VALUES (4, 1, '084cf44c', 1, 'outputs', '42');
CREATE INDEX texts_by_notebook ON texts (notebook);
CREATE VIRTUAL TABLE trigrams USING fts5(
    text, tokenize='trigram', content='', contentless_delete=1
  );
CREATE TABLE listings (
    only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL, took_ms INTEGER NOT NULL, partial INTEGER NOT NULL
  );
INSERT INTO listings (only, at, took_ms, partial) VALUES (1, 1795635814632, 18, 0);
INSERT INTO trigrams (rowid, text) SELECT id, text FROM texts;
