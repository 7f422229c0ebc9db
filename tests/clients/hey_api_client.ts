// A day with the client of @hey-api/openapi-ts: run with the address of a server.
import assert from "node:assert/strict";
import { client } from "./hey_api/client.gen.js";
import {
  carryOut,
  createProject,
  createTask,
  createWorkspace,
  editTask,
  listTasks,
  login,
  register,
  showHistory,
  showTask,
  type Conflict,
  type EditTask,
  type HistoryItem,
  type Tokens,
} from "./hey_api/index.js";

const baseUrl = process.argv[2];
assert(baseUrl);
client.setConfig({ baseUrl });
const email = "ann@example.com";
const password = "correct horse battery";

// Register and log in.
const registered = await register({ body: { email, name: "Ann", password } });
assert(registered.data, JSON.stringify(registered.error));
const loggedIn = await login({ body: { email, password } });
assert(loggedIn.data);
const tokens: Tokens = loggedIn.data;
client.setConfig({ baseUrl, auth: tokens.access_token });

// A workspace, a project and a task: optional members are left out.
const { data: workspace } = await createWorkspace({ body: { name: "Home" } });
assert(workspace);
const { data: project } = await createProject({
  path: { workspace: workspace.id },
  body: { name: "Kitchen", key: "KIT" },
});
assert(project);
const path = { project: project.id };
const { data: planned } = await createTask({ path, query: { dry_run: true }, body: { title: "Milk" } });
assert(planned?.events);
const plannedTypes: string[] = planned.events.map((event) => event.type);
assert(plannedTypes.includes("TaskCreated"));
const { data: created } = await createTask({ path, body: { title: "Milk" }, headers: { "Idempotency-Key": "milk" } });
assert(created);
const task: string = created.id;
assert.deepEqual([created.version, created.key, created.events], [planned.version, planned.key, undefined]);

// A conflict: the loser learns what happened; a change of another field is merged.
const edited = await editTask({ path: { task }, body: { title: "Oat milk", expected_version: created.version } });
assert.equal(edited.data?.version, 2);
const late: EditTask = { title: "Goat milk", expected_version: 1 };
const refused = await editTask({ path: { task }, body: late });
assert.equal(refused.response?.status, 409);
assert(refused.error && "intervening_events" in refused.error);
const conflict: Conflict = refused.error;
const [renamed] = conflict.intervening_events ?? [];
assert.deepEqual([renamed?.type, renamed?.actor.name], ["TaskRenamed", "Ann"]);
assert.deepEqual(conflict.conflicting_fields, ["title"]);
const merged = await editTask({
  path: { task },
  query: { on_conflict: "rebase" },
  headers: { "If-Match": '"1"' },
  body: { priority: "high" },
});
assert.equal(merged.data?.version, 3);

// Batches: all or none, and each on its own.
const { data: batch } = await carryOut({
  body: {
    commands: [
      { type: "CompleteTask", id: task, data: {} },
      { type: "CreateTask", data: { project_id: project.id, title: "Bread" } },
    ],
  },
});
assert(batch);
assert.deepEqual([batch.results.length, batch.results[0]?.id], [2, task]);
const { data: each } = await carryOut({
  body: {
    mode: "independent",
    commands: [
      { type: "ReopenTask", id: "KIT-1", data: {} },
      { type: "MoveTask", id: task, data: { column: "nowhere", expected_version: 3 } },
    ],
  },
});
assert(each);
const problems = each.results.map((result) => ("problem" in result ? result.problem?.code : undefined));
assert.deepEqual(problems, [undefined, "version_conflict"]);

// Lists and history.
const tasks = await listTasks({
  path,
  query: { min_position: each.position, limit: 1, sort: "key" },
  headers: { Prefer: "wait=10" },
});
assert(tasks.data, JSON.stringify(tasks.error));
assert.deepEqual(tasks.data.items.map((item) => item.title), ["Oat milk"]);
assert(tasks.data.next_cursor);
const rest = await listTasks({ path, query: { cursor: tasks.data.next_cursor, sort: "key" } });
assert.deepEqual(rest.data?.items.map((item) => item.title), ["Bread"]);
assert.equal(rest.data.next_cursor, null);
const { data: shown } = await showTask({ path: { task } });
assert.deepEqual([shown?.title, shown?.priority, shown?.status], ["Oat milk", "high", "open"]);
const history = await showHistory({ path: { task } });
const first: HistoryItem | undefined = history.data?.items.at(-1);
assert.equal(first?.type, "TaskCreated");
assert.deepEqual(first.changes["title"], [null, "Milk"]);
console.log(`${history.data?.items.length} events`);
