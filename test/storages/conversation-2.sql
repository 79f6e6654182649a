-- Made by running code with the program as of cda4d3e, and dumping the storage of the object.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (2, 'local', '47v5gbid5lmounx5', 'c_yllzzcnfhs', 1795635776051);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795635806051, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798227776051, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (1, 'ee787c2f-f51e-41ee-9e45-103dca0574a7', 1, 1, 'for i in range(3): print(''line'', i)', 'ok', NULL, NULL, 1795635776052, 1795635776443, 1795635776514, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 69, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (2, '4ed34ffc-c10e-4923-8f4c-d9ac98022ede', 1, 1, 'from IPython.display import Image, display
import base64
for i in range(2): display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))
print(''drawn'')
display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))', 'ok', NULL, NULL, 1795635776535, 1795635776535, 1795635776553, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 4, 679, 0, 0, 3, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (3, '643b9dd6-eeff-41ae-b629-61f82ff83712', 1, 1, 'import sys
print(''warned'', file=sys.stderr)
1/0', 'error', NULL, NULL, 1795635776571, 1795635776572, 1795635776634, '{"reply":"error","idle":true,"executionCount":3,"prompt":null,"replyError":null,"sawError":true}', 2, 743, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (4, '5830e466-052d-42d0-97e6-e8136ad61eb2', 2, 1, 'run_cells "old.ipynb"', 'ok', NULL, NULL, 1795635776737, 1795635777034, 1795635777563, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 2, 161, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (5, 'c3f86346-3d3d-4810-8546-94d8cb4896b5', 3, 1, 'print(input(''Who? ''))', 'waiting for input', NULL, NULL, 1795635777592, 1795635777876, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":{"prompt":"Who? ","password":false,"header":{"msg_id":"615d2953-4a1b89dbb204acee75790ada_22695_17","msg_type":"input_request","session":"615d2953-4a1b89dbb204acee75790ada","username":"username","date":"2026-11-25T19:42:57.890084Z","version":"5.4"},"isAnswered":false},"replyError":null,"sawError":false}', 0, 0, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (6, 'c31092cb-9349-4792-a2be-024145b43e17', 4, 1, 'import time
print(''begun'', flush=True)
time.sleep(600)', 'running', NULL, NULL, 1795635777899, 1795635778216, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 52, 0, 0, 0, 0);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (1, 1, 0, 1, 69, 0, 1, '0:b341363e-369a3982b796446ebf3c01db_22662_17', '[{"type":"stream","name":"stdout","text":"line 0\nline 1\nline 2\n"}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (2, 1, 0, 4, 679, 0, 1, '0:b341363e-369a3982b796446ebf3c01db_22662_22
15:3
15:4
15:5', '[{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"stream","name":"stdout","text":"drawn\n"},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (3, 1, 0, 2, 743, 0, 1, '0:b341363e-369a3982b796446ebf3c01db_22662_30
15:1', '[{"type":"stream","name":"stderr","text":"warned\n"},{"type":"error","ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 1, 0, 1, 64, 0, 1, '0:1fe96c24-a31868c70b6cd31ac7ac7548_22680_23', '[{"type":"stream","name":"stdout","text":"cell one\n","step":0}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (4, 2, 0, 1, 97, 0, 1, '0:1fe96c24-a31868c70b6cd31ac7ac7548_22680_28', '[{"type":"execute_result","data":{"text/plain":"42"},"metadata":{},"execution_count":2,"step":1}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (6, 1, 0, 1, 52, 0, 1, '0:c8df9ba2-a43e37763794cd191f93b623_22709_17', '[{"type":"stream","name":"stdout","text":"begun\n"}]');
CREATE TABLE notebook_runs (
    execution INTEGER PRIMARY KEY, path TEXT NOT NULL, version TEXT NOT NULL, cells INTEGER NOT NULL,
    on_error TEXT NOT NULL, kernel_new INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0, saved_revision INTEGER NOT NULL DEFAULT 0,
    trouble TEXT, given_up INTEGER NOT NULL DEFAULT 0, missing TEXT NOT NULL DEFAULT '[]'
  );
INSERT INTO notebook_runs (execution, path, version, cells, on_error, kernel_new, step, revision, saved_revision, trouble, given_up, missing) VALUES (4, 'old.ipynb', 'v5xoz6bekip', 2, 'stop', 1, 1, 5, 5, NULL, 0, '[]');
CREATE TABLE steps (
    execution INTEGER NOT NULL, step INTEGER NOT NULL, cell_id TEXT NOT NULL, cell_index INTEGER NOT NULL,
    msg_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    progress TEXT NOT NULL, sent_at INTEGER, ended_at INTEGER,
    PRIMARY KEY (execution, step)
  ) WITHOUT ROWID;
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 0, '81af9a95', 0, '5cf7f6cf-f9b5-42c1-970d-9bc1ca7882d5', 'print(''cell one'')', 'ok', '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1795635777034, 1795635777552);
INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, state, progress, sent_at, ended_at) VALUES (4, 1, 'c9afdaf1', 1, 'a7a52ddb-3c69-4836-886f-86ec71b0e9fc', '6 * 7', 'ok', '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 1795635777552, 1795635777563);
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  );
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (1, '23844b92-9080-42d2-b63e-c6b64cc2493c', 'python3', 'python', '7ffd8dfe-b508-447b-9bb0-a6eb6f7fdb96', 1, 1, 0, 0, 3, 'b341363e-369a3982b796446ebf3c01db', 1795635776572);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (2, '4ea29f20-9d02-4a9f-9425-515ca2edf786', 'python3', 'python', 'e82e3a40-df5a-4b89-8d48-f83fbb19adaa', 1, 1, 0, 0, 2, '1fe96c24-a31868c70b6cd31ac7ac7548', 1795635776776);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (3, 'f2422441-6b2d-49c2-8202-1b5389af946d', 'python3', 'python', 'a6fe326e-aa6f-4139-91f2-44a5588aff2a', 1, 1, 0, 0, 0, '615d2953-4a1b89dbb204acee75790ada', 1795635777613);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (4, 'c5206396-8c58-40de-bff5-2a18df96d1b8', 'python3', 'python', 'f3e17ba7-56f6-4afe-a853-b333f9acda06', 1, 1, 0, 0, 0, 'c8df9ba2-a43e37763794cd191f93b623', 1795635777922);
