-- Made by running code with the program as of 74c5659, and dumping the storage of the object.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (3, 'local', 'oeqcyx4c6kngj4w5', 'c_rh3blfmizf', 1795635791596);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795635821596, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798227791596, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (1, 'df76b23e-e8b0-4f2b-8147-fbc523b147c7', 1, 1, 'for i in range(3): print(''line'', i)', 'ok', NULL, NULL, 1795635791596, 1795635791992, 1795635792018, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 69, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (2, '2c9e89f6-f529-4229-8a4d-fab18cb13662', 1, 1, 'from IPython.display import Image, display
import base64
for i in range(2): display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))
print(''drawn'')
display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))', 'ok', NULL, NULL, 1795635792031, 1795635792031, 1795635792049, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 4, 679, 0, 0, 3, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (3, '4e3d1606-dd5a-4fb0-bc64-745767672218', 1, 1, 'import sys
print(''warned'', file=sys.stderr)
1/0', 'error', NULL, NULL, 1795635792059, 1795635792060, 1795635792126, '{"reply":"error","idle":true,"executionCount":3,"prompt":null,"replyError":null,"sawError":true}', 2, 743, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (4, 'b03e05d7-167a-4e5a-a438-faf2a4a14d77', 2, 1, 'run_cells "old.ipynb"', 'ok', NULL, NULL, 1795635792232, 1795635792549, 1795635792578, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 2, 161, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (5, 'db4fd6aa-2fb9-43f5-9e01-d50f1b470d30', 3, 1, 'print(input(''Who? ''))', 'waiting for input', NULL, NULL, 1795635792608, 1795635792902, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":{"prompt":"Who? ","password":false,"header":{"msg_id":"5504a19c-4e687ab920c62a8fbc5665d2_22870_17","msg_type":"input_request","session":"5504a19c-4e687ab920c62a8fbc5665d2","username":"username","date":"2026-11-25T19:43:12.920549Z","version":"5.4"},"isAnswered":false},"replyError":null,"sawError":false}', 0, 0, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (6, 'cfae4397-b9be-4974-8f55-53bb4182e722', 4, 1, 'import time
print(''begun'', flush=True)
time.sleep(600)', 'running', NULL, NULL, 1795635792928, 1795635793202, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 52, 0, 0, 0, 0);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (1, 1, 0, 1, 69, 0, 1, '0:b253e439-f0974cf2074472dadb90be9a_22837_17', '[{"type":"stream","name":"stdout","text":"line 0\nline 1\nline 2\n"}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (2, 1, 0, 4, 679, 0, 1, '0:b253e439-f0974cf2074472dadb90be9a_22837_22
15:3
15:4
15:5', '[{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"stream","name":"stdout","text":"drawn\n"},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (3, 1, 0, 2, 743, 0, 1, '0:b253e439-f0974cf2074472dadb90be9a_22837_30
15:1', '[{"type":"stream","name":"stderr","text":"warned\n"},{"type":"error","ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 1, 0, 1, 64, 0, 1, '0:3f8957d6-5571f52aed11f3d80a5d8637_22855_17', '[{"type":"stream","name":"stdout","text":"cell one\n","step":0}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 2, 0, 1, 97, 0, 1, '0:3f8957d6-5571f52aed11f3d80a5d8637_22855_22', '[{"type":"execute_result","data":{"text/plain":"42"},"metadata":{},"execution_count":2,"step":1}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (6, 1, 0, 1, 52, 0, 1, '0:8c5d75c8-9711ad9372791d557d503aa8_22884_23', '[{"type":"stream","name":"stdout","text":"begun\n"}]');
CREATE TABLE notebook_runs (
    execution INTEGER PRIMARY KEY, path TEXT NOT NULL, version TEXT NOT NULL, cells INTEGER NOT NULL,
    on_error TEXT NOT NULL, kernel_new INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0, saved_revision INTEGER NOT NULL DEFAULT 0,
    trouble TEXT, given_up INTEGER NOT NULL DEFAULT 0, missing TEXT NOT NULL DEFAULT '[]',
    session TEXT NOT NULL DEFAULT '', upgraded TEXT NOT NULL DEFAULT ''
  );
INSERT INTO notebook_runs (execution, path, version, cells, on_error, kernel_new, step, revision, saved_revision, trouble, given_up, missing, session, upgraded) VALUES (4, 'old.ipynb', 'vf71k72inrp', 2, 'stop', 1, 1, 5, 5, NULL, 0, '[]', '41c742df-51d1-4a0e-9d62-7ae2266a8209', '');
CREATE TABLE steps (
    execution INTEGER NOT NULL, step INTEGER NOT NULL, cell_id TEXT NOT NULL, cell_index INTEGER NOT NULL,
    msg_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    progress TEXT NOT NULL, sent_at INTEGER, ended_at INTEGER,
    PRIMARY KEY (execution, step)
  ) WITHOUT ROWID;
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 0, 'ac964c0a', 0, '8398aeef-cb6f-449a-b755-d9a200b23e3b', 'print(''cell one'')', 'ok', '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1795635792549, 1795635792567);
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 1, '462e5019', 1, '901cfcbd-1ba9-436b-8bcc-61a5cfa8b1f5', '6 * 7', 'ok', '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 1795635792568, 1795635792578);
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  );
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (1, '071fbd76-bae2-4d5e-bc02-ad026514932e', 'python3', 'python', '459b96cc-0afc-4d32-a9ef-13bd42960b0e', 1, 1, 0, 0, 3, 'b253e439-f0974cf2074472dadb90be9a', 1795635792059);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (2, '4a6db36f-d96d-4c2d-969d-8fba983be40f', 'python3', 'python', 'ae32f3ba-228e-4574-b66b-ff1b26d42d43', 1, 1, 0, 0, 2, '3f8957d6-5571f52aed11f3d80a5d8637', 1795635792262);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (3, 'ecafe181-6b60-42d8-a546-c519a3459534', 'python3', 'python', 'b0d99ce4-7778-4949-bafb-ca70d17ac209', 1, 1, 0, 0, 0, '5504a19c-4e687ab920c62a8fbc5665d2', 1795635792628);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (4, '7628cf04-e379-4047-b331-7a60fe62ddaa', 'python3', 'python', '368a61ee-9805-4ce3-9437-39920f48ea09', 1, 1, 0, 0, 0, '8c5d75c8-9711ad9372791d557d503aa8', 1795635792949);
