-- Made by running code with the program as of 17b4bb9, and dumping the storage of the object.
CREATE TABLE meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (1, 'local', 'se5icbtodzus257x', 'c_4iuqvl7rda', 1795635762547);
CREATE TABLE due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
INSERT INTO due_times (name, at, failures) VALUES ('watch', 1795635792547, 0);
INSERT INTO due_times (name, at, failures) VALUES ('expire', 1798227762547, 0);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (1, 'c0b600e6-1455-48e9-bd29-5c81721c72ef', 1, 1, 'for i in range(3): print(''line'', i)', 'ok', NULL, NULL, 1795635762547, 1795635762961, 1795635763029, '{"reply":"ok","idle":true,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 69, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (2, 'e4016f66-2d88-42db-bc0b-42cff6439a8f', 1, 1, 'from IPython.display import Image, display
import base64
for i in range(2): display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))
print(''drawn'')
display(Image(base64.b64decode(''iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='')))', 'ok', NULL, NULL, 1795635763042, 1795635763042, 1795635763055, '{"reply":"ok","idle":true,"executionCount":2,"prompt":null,"replyError":null,"sawError":false}', 4, 679, 0, 0, 3, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (3, 'dca50a85-dcc2-4a87-9949-9abf826c0905', 1, 1, 'import sys
print(''warned'', file=sys.stderr)
1/0', 'error', NULL, NULL, 1795635763064, 1795635763064, 1795635763125, '{"reply":"error","idle":true,"executionCount":3,"prompt":null,"replyError":null,"sawError":true}', 2, 743, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (4, '2a2b1f10-14ed-4730-9f01-53dd040bb421', 2, 1, 'print(input(''Who? ''))', 'waiting for input', NULL, NULL, 1795635763134, 1795635763381, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":{"prompt":"Who? ","password":false,"header":{"msg_id":"98cbb85b-ffe916fc7997ef35b763b7e3_22546_23","msg_type":"input_request","session":"98cbb85b-ffe916fc7997ef35b763b7e3","username":"username","date":"2026-11-25T19:42:43.947509Z","version":"5.4"},"isAnswered":false},"replyError":null,"sawError":false}', 0, 0, 0, 0, 0, 0);
INSERT INTO executions (number, msg_id, slot, generation, code, state, reason, incomplete, created_at, sent_at, ended_at, progress, position, chars, dropped_chars, dropped_items, numbered, discarded) VALUES (5, 'dc652e2e-d665-4d08-a505-73d84a63ab24', 3, 1, 'import time
print(''begun'', flush=True)
time.sleep(600)', 'running', NULL, NULL, 1795635763958, 1795635764234, NULL, '{"reply":null,"idle":false,"executionCount":1,"prompt":null,"replyError":null,"sawError":false}', 1, 52, 0, 0, 0, 0);
CREATE TABLE output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (1, 1, 0, 1, 69, 0, 1, '0:8bc25d4f-ce0041f8201dfabed4864734_22521_17', '[{"type":"stream","name":"stdout","text":"line 0\nline 1\nline 2\n"}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (2, 1, 0, 4, 679, 0, 1, '0:8bc25d4f-ce0041f8201dfabed4864734_22521_22
15:3
15:4
15:5', '[{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}},{"type":"stream","name":"stdout","text":"drawn\n"},{"type":"display_data","data":{"image/png":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","text/plain":"<IPython.core.display.Image object>"},"metadata":{}}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (3, 1, 0, 2, 743, 0, 1, '0:8bc25d4f-ce0041f8201dfabed4864734_22521_30
15:1', '[{"type":"stream","name":"stderr","text":"warned\n"},{"type":"error","ename":"ZeroDivisionError","evalue":"division by zero","traceback":["\u001b[31m---------------------------------------------------------------------------\u001b[39m","\u001b[31mZeroDivisionError\u001b[39m                         Traceback (most recent call last)","\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[3]\u001b[39m\u001b[32m, line 3\u001b[39m\n\u001b[32m      1\u001b[39m \u001b[38;5;28;01mimport\u001b[39;00m sys\n\u001b[32m      2\u001b[39m print(\u001b[33m''warned''\u001b[39m, file=sys.stderr)\n\u001b[32m----> \u001b[39m\u001b[32m3\u001b[39m \u001b[32m1\u001b[39m/\u001b[32m0\u001b[39m\n","\u001b[31mZeroDivisionError\u001b[39m: division by zero"]}]');
INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (5, 1, 0, 1, 52, 0, 1, '0:281ed195-44edd0b42fcddd199213797f_22560_17', '[{"type":"stream","name":"stdout","text":"begun\n"}]');
CREATE TABLE kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL
  );
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (1, '68930a32-5b8d-47d4-a1e7-6c80c12f7711', 'python3', 'python', '22a7258e-a335-4978-839d-40b50e6f6f07', 1, 1, 0, 0, 3, '8bc25d4f-ce0041f8201dfabed4864734', 1795635763064);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (2, 'ba0c91f7-382b-40f4-81e9-7f827ee4e243', 'python3', 'python', '90a8aa72-d259-4c70-8460-98e2e0fa3def', 1, 1, 0, 0, 0, '98cbb85b-ffe916fc7997ef35b763b7e3', 1795635763155);
INSERT INTO kernels (slot, kernel_id, kernelspec, language, session_id, generation, started_here, gone, told_gone, last_count, process_session, used_at) VALUES (3, 'e2a027ee-7fb6-4674-9d70-41c65363e0da', 'python3', 'python', '506e66d3-1718-4060-ac4c-44337a962670', 1, 1, 0, 0, 0, '281ed195-44edd0b42fcddd199213797f', 1795635763981);
