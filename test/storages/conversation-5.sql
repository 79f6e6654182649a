-- The storage of conversation-4.sql, as the program as of 54a9b64 has brought it up to date.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (5, 'local', 'jfow4skn3uef2e2a', 'c_azgu7wneb5', 1795635809514);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795635839515, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798227809515, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0, failure TEXT
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (1, '34382da0-ff40-4997-b450-bc786a0135c8', 1, 1, 'for i in range(3): print(''line'', i)', 'ok', NULL, NULL, 1795635809515, 1795635809908, 1795635809972, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 1, 69, 0, 0, 0, 0, NULL);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (2, '1911a880-3345-4e44-b9f5-637fca2599fd', 1, 1, 'from IPython.display import Image, display
import base64
for i in range(2): display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))
print(''drawn'')
display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))', 'ok', NULL, NULL, 1795635809984, 1795635809985, 1795635809996, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 4, 679, 0, 0, 3, 0, NULL);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (3, '8cfc627c-3a33-4a59-b7e1-2e217ee749c3', 1, 1, 'import sys
print(''warned'', file=sys.stderr)
1/0', 'error', NULL, NULL, 1795635810008, 1795635810008, 1795635810066, '{"reply":"error","idle":true,"executionCount":3,"prompt":null,"replyError":null,"sawError":true,"hasBegun":true}', 2, 743, 0, 0, 0, 0, NULL);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (4, '25f2d673-0f2f-40b0-ac5a-a5e2bf89b6c6', 2, 1, 'run_cells "old.ipynb"', 'ok', NULL, NULL, 1795635810205, 1795635810531, 1795635811055, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 2, 161, 0, 0, 0, 0, NULL);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (5, '8620be18-4db0-41fb-8028-7c63cbd9b12f', 3, 1, 'print(input(''Who? ''))', 'waiting for input', NULL, NULL, 1795635811234, 1795635811522, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":{"prompt":"Who? ","password":false,"header":{"msg_id":"3af3b7a2-039429ad2d4f1ca9a22b6493_23143_17","msg_type":"input_request","session":"3af3b7a2-039429ad2d4f1ca9a22b6493","username":"username","date":"2026-11-25T19:43:31.584490Z","version":"5.4"},"isAnswered":false},"replyError":null,"sawError":false,"hasBegun":true}', 0, 0, 0, 0, 0, 0, NULL);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded, failure) VALUES (6, '92abe3d8-7e8c-4b0c-b16d-9a6b90099ff3', 4, 1, 'import time
print(''begun'', flush=True)
time.sleep(600)', 'running', NULL, NULL, 1795635811594, 1795635811908, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 1, 52, 0, 0, 0, 0, NULL);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (1, 1, 0, 1, 69, 0, 1, '0:0b917977-041519fb6020c58ab5de7d0e_23109_17', '[{"type":"stream","name":"stdout","text":"line 0\nline 1\nline 2\n"}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (2, 1, 0, 4, 679, 0, 1, '0:0b917977-041519fb6020c58ab5de7d0e_23109_22
15:3
15:4
15:5', '[{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"stream","name":"stdout","text":"drawn\n"},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (3, 1, 0, 2, 743, 0, 1, '0:0b917977-041519fb6020c58ab5de7d0e_23109_30
15:1', '[{"type":"stream","name":"stderr","text":"warned\n"},{"type":"error","ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 1, 0, 1, 64, 0, 1, '0:b4ba8917-0e583115ff3ef7ad2ad4645e_23129_23', '[{"type":"stream","name":"stdout","text":"cell one\n","step":0}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 2, 0, 1, 97, 0, 1, '0:b4ba8917-0e583115ff3ef7ad2ad4645e_23129_28', '[{"type":"execute_result","data":{"text/plain":"42"},"metadata":{},"execution_count":2,"step":1}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (6, 1, 0, 1, 52, 0, 1, '0:d106c69f-99a8629ea217167e3b41af70_23157_17', '[{"type":"stream","name":"stdout","text":"begun\n"}]');
CREATE TABLE notebook_runs (
    execution INTEGER PRIMARY KEY, path TEXT NOT NULL, version TEXT NOT NULL, cells INTEGER NOT NULL,
    on_error TEXT NOT NULL, kernel_new INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0, saved_revision INTEGER NOT NULL DEFAULT 0,
    trouble TEXT, given_up INTEGER NOT NULL DEFAULT 0, missing TEXT NOT NULL DEFAULT '[]',
    session TEXT NOT NULL DEFAULT '', upgraded TEXT NOT NULL DEFAULT '',
    failed_saves INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO notebook_runs (execution, path, version, cells, on_error, kernel_new, step, revision, saved_revision, trouble, given_up, missing, session, upgraded, failed_saves) VALUES (4, 'old.ipynb', 'vaua2ycrj84', 2, 'stop', 1, 1, 5, 5, NULL, 0, '[]', '764dc6f4-649d-4344-9207-6ada309f531a', '', 0);
CREATE TABLE steps (
    execution INTEGER NOT NULL, step INTEGER NOT NULL, cell_id TEXT NOT NULL, cell_index INTEGER NOT NULL,
    msg_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    progress TEXT NOT NULL, sent_at INTEGER, ended_at INTEGER,
    PRIMARY KEY (execution, step)
  ) WITHOUT ROWID;
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 0, '0fb64a9c', 0, 'fb9177d8-ef17-4083-8691-866b2e38604b', 'print(''cell one'')', 'ok', '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 1795635810531, 1795635811048);
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 1, '084cf44c', 1, 'b8192c4e-aeee-460f-873b-e84bc2e9d80c', '6 * 7', 'ok', '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false,"hasBegun":true}', 1795635811048, 1795635811055);
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  , listening_since INTEGER);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at, listening_since) VALUES (1, '9be052e9-d3c9-4bf4-b700-5d4d9cc7cce0', 'python3', 'python', 'b7be62fc-e53c-4436-84b4-163435e5ce16', 1, 1, 0, 0, 3, '0b917977-041519fb6020c58ab5de7d0e', 1795635810008, NULL);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at, listening_since) VALUES (2, '4e272264-a5a7-4be5-883b-ba7c6858b818', 'python3', 'python', 'fde02200-1f2b-4022-ae1e-47947f1acfbe', 1, 1, 0, 0, 2, 'b4ba8917-0e583115ff3ef7ad2ad4645e', 1795635810269, NULL);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at, listening_since) VALUES (3, 'ffae8de8-9826-49cc-848a-6f7be0d27336', 'python3', 'python', '8ece9e5d-66c4-4f3f-91f4-51a8d5129021', 1, 1, 0, 0, 0, '3af3b7a2-039429ad2d4f1ca9a22b6493', 1795635811255, NULL);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at, listening_since) VALUES (4, 'ef7b315f-4e44-46a1-8ae7-fc583bdae88b', 'python3', 'python', 'd123dac4-15a2-4864-ad1c-c3ef534cb1a0', 1, 1, 0, 0, 0, 'd106c69f-99a8629ea217167e3b41af70', 1795635811618, NULL);
