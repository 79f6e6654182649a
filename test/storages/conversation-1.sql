-- Made by running code with the program as of 23d9c08, and dumping the storage of the object.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (1, 'local', '5ivuuwggf5ag34wt', 'c_emgrwdo5fq', 1795635740892);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795635770893, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798227740892, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, dropped_numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, dropped_numbered, discarded) VALUES (1, '400c8579-b54f-499f-9a98-edf711960098', 1, 1, 'for i in range(3): print(''line'', i)', 'ok', NULL, NULL, 1795635740892, 1795635741281, 1795635741343, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 69, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, dropped_numbered, discarded) VALUES (2, '0226a0fe-1175-4111-9b78-2a19e025aa50', 1, 1, 'from IPython.display import Image, display
import base64
for i in range(2): display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))
print(''drawn'')
display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))', 'ok', NULL, NULL, 1795635741356, 1795635741356, 1795635741369, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 4, 679, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, dropped_numbered, discarded) VALUES (3, '2850b238-64fc-4324-8ced-069d3dd1b2e8', 1, 1, 'import sys
print(''warned'', file=sys.stderr)
1/0', 'error', NULL, NULL, 1795635741380, 1795635741380, 1795635741440, '{"reply":"error","idle":true,"executionCount":3,"prompt":null,"replyError":{"ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]},"sawError":true}', 2, 743, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, dropped_numbered, discarded) VALUES (4, '942103df-625d-4515-aaef-ffde75e1ef50', 2, 1, 'print(input(''Who? ''))', 'waiting for input', NULL, NULL, 1795635741448, 1795635741735, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":{"prompt":"Who? ","password":false,"header":{"msg_id":"0aca4fe8-cad48cc67be8312b751f891b_22226_23","msg_type":"input_request","session":"0aca4fe8-cad48cc67be8312b751f891b","username":"username","date":"2026-11-25T19:42:22.299044Z","version":"5.4"}},"replyError":null,"sawError":false}', 0, 0, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, dropped_numbered, discarded) VALUES (5, 'dd3b80c4-34b7-4ac6-b68d-e896146d7238', 3, 1, 'import time
print(''begun'', flush=True)
time.sleep(600)', 'running', NULL, NULL, 1795635742313, 1795635742673, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 52, 0, 0, 0, 0);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered, head, ids, data) VALUES (1, 1, 0, 1, 69, 0, 1, '0:af931a6b-6557782bfd5c2c99bb8efbec_22210_17', '[{"type":"stream","name":"stdout","text":"line 0\nline 1\nline 2\n"}]');
INSERT INTO output (execution, position, part, items, chars, numbered, head, ids, data) VALUES (2, 1, 0, 4, 679, 3, 1, '0:af931a6b-6557782bfd5c2c99bb8efbec_22210_22
15:3
15:4
15:5', '[{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"stream","name":"stdout","text":"drawn\n"},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}}]');
INSERT INTO output (execution, position, part, items, chars, numbered, head, ids, data) VALUES (3, 1, 0, 2, 743, 0, 1, '0:af931a6b-6557782bfd5c2c99bb8efbec_22210_30
15:1', '[{"type":"stream","name":"stderr","text":"warned\n"},{"type":"error","ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]}]');
INSERT INTO output (execution, position, part, items, chars, numbered, head, ids, data) VALUES (5, 1, 0, 1, 52, 0, 1, '0:fd5ef960-13e7d896ae7e1dcc5dd792a6_22240_17', '[{"type":"stream","name":"stdout","text":"begun\n"}]');
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1, told_generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  );
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, told_generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (1, '9ddcf20c-85c7-4319-bfc0-53b751493baa', 'python3', 'python', 'd104a762-875d-4bc1-b9dc-980f9dbc191d', 1, 1, 1, 0, 0, 3, 'af931a6b-6557782bfd5c2c99bb8efbec', 1795635741380);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, told_generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (2, 'e628a38e-66b9-474f-9c23-0a372b73af84', 'python3', 'python', '8dc38511-f889-4a90-93c3-b87e7065a108', 1, 1, 1, 0, 0, 0, '0aca4fe8-cad48cc67be8312b751f891b', 1795635741467);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, told_generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (3, '550d08cf-a441-4585-a7e0-a60028883e49', 'python3', 'python', 'f896b4a1-c9ff-47c5-978c-e0721c0c74c6', 1, 1, 1, 0, 0, 0, 'fd5ef960-13e7d896ae7e1dcc5dd792a6', 1795635742335);
