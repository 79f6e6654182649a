-- Made by signing in and running code with the program as of ea47bdb, and dumping the storage of the object of the name tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a/wibyroctqgep5nrb/c_2tr5x4b3qk.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (4, 'tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a', 'wibyroctqgep5nrb', 'c_2tr5x4b3qk', 1795636115122);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795636145123, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798228115123, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0, failure TEXT
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (1, '04172e9d-cbaa-4e4c-8b85-257687b44a91', 1, 1, 'print(''signed in'')', 'ok', NULL, NULL, 1795636115123, 1795636115697, 1795636115720, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 1, 56, 0, 0, 0, 0, NULL);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (1, 1, 0, 1, 56, 0, 1, '0:a588ba53-58193f5bd6f84bb642482af9_30158_17', '[{"type":"stream","name":"stdout","text":"signed in\n"}]');
CREATE TABLE notebook_runs (
    execution INTEGER PRIMARY KEY, path TEXT NOT NULL, version TEXT NOT NULL, cells INTEGER NOT NULL,
    on_error TEXT NOT NULL, kernel_new INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0, saved_revision INTEGER NOT NULL DEFAULT 0,
    trouble TEXT, given_up INTEGER NOT NULL DEFAULT 0, missing TEXT NOT NULL DEFAULT '[]',
    session TEXT NOT NULL DEFAULT '', upgraded TEXT NOT NULL DEFAULT '',
    failed_saves INTEGER NOT NULL DEFAULT 0
  );
CREATE TABLE steps (
    execution INTEGER NOT NULL, step INTEGER NOT NULL, cell_id TEXT NOT NULL, cell_index INTEGER NOT NULL,
    msg_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    progress TEXT NOT NULL, sent_at INTEGER, ended_at INTEGER,
    PRIMARY KEY (execution, step)
  ) WITHOUT ROWID;
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  );
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (1, 'aa03e747-4fef-4159-a497-73da3c2a0640', 'python3', 'python', '830b77d3-a4d0-4b9b-b489-ad3424f28bde', 1, 1, 0, 0, 1, 'a588ba53-58193f5bd6f84bb642482af9', 1795636115269);
CREATE TABLE untold (execution INTEGER PRIMARY KEY);
