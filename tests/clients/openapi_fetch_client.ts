// A day with the client of openapi-typescript and openapi-fetch: run with the address of a server.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi_fetch/schema.js";

type Schemas = components["schemas"];

const baseUrl = process.argv[2];
assert(baseUrl);
const client = createClient<paths>({ baseUrl });
const email = "ann@example.com";
const password = "correct horse battery";

// Register and log in.
const registered = await client.POST("/api/v1/auth/register", { body: { email, name: "Ann", password } });
assert(registered.data, JSON.stringify(registered.error));
const login = await client.POST("/api/v1/auth/login", { body: { email, password } });
assert(login.data);
const tokens: Schemas["Tokens"] = login.data;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access_token}`);
    return request;
  },
});
const { data: me } = await client.GET("/api/v1/auth/me");
assert.equal(me?.name, "Ann");

// A workspace, a project and a task: optional members are left out.
const { data: workspace } = await client.POST("/api/v1/workspaces", { body: { name: "Home" } });
assert(workspace);
const { data: project } = await client.POST("/api/v1/workspaces/{workspace}/projects", {
  params: { path: { workspace: workspace.id } },
  body: { name: "Kitchen", key: "KIT" },
});
assert(project);
const inProject = { path: { project: project.id } };
const { data: planned } = await client.POST("/api/v1/projects/{project}/tasks", {
  params: { ...inProject, query: { dry_run: true } },
  body: { title: "Milk" },
});
assert(planned?.events);
const plannedTypes: string[] = planned.events.map((event) => event.type);
assert(plannedTypes.includes("TaskCreated"));
const { data: created } = await client.POST("/api/v1/projects/{project}/tasks", {
  params: { ...inProject, header: { "Idempotency-Key": "milk" } },
  body: { title: "Milk" },
});
assert(created);
const task: string = created.id;
assert.deepEqual([created.version, created.key, created.events], [planned.version, planned.key, undefined]);
const onTask = { path: { task } };

// A conflict: the loser learns what happened; a change of another field is merged.
const edited = await client.PATCH("/api/v1/tasks/{task}", {
  params: onTask,
  body: { title: "Oat milk", expected_version: created.version },
});
assert.equal(edited.data?.version, 2);
const late: Schemas["EditTask"] = { title: "Goat milk", expected_version: 1 };
const conflict = await client.PATCH("/api/v1/tasks/{task}", { params: onTask, body: late });
assert.equal(conflict.response.status, 409);
assert(conflict.error && "intervening_events" in conflict.error);
const [renamed] = conflict.error.intervening_events ?? [];
assert.deepEqual([renamed?.type, renamed?.actor.name], ["TaskRenamed", "Ann"]);
assert.deepEqual(conflict.error.conflicting_fields, ["title"]);
const merged = await client.PATCH("/api/v1/tasks/{task}", {
  params: { ...onTask, query: { on_conflict: "rebase" }, header: { "If-Match": '"1"' } },
  body: { priority: "high" },
});
assert.equal(merged.data?.version, 3);

// Batches: all or none, and each on its own.
const { data: batch } = await client.POST("/api/v1/commands", {
  body: {
    commands: [
      { type: "CompleteTask", id: task, data: {} },
      { type: "CreateTask", data: { project_id: project.id, title: "Bread" } },
    ],
  },
});
assert(batch);
const ids = batch.results.map((result) => result.id);
assert.deepEqual([ids.length, ids[0]], [2, task]);
const { data: each } = await client.POST("/api/v1/commands", {
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
const tasks = await client.GET("/api/v1/projects/{project}/tasks", {
  params: { ...inProject, query: { min_position: each.position, limit: 1, sort: "key" }, header: { Prefer: "wait=10" } },
});
assert(tasks.data, JSON.stringify(tasks.error));
assert.deepEqual(tasks.data.items.map((item) => item.title), ["Oat milk"]);
assert(tasks.data.next_cursor);
const rest = await client.GET("/api/v1/projects/{project}/tasks", {
  params: { ...inProject, query: { cursor: tasks.data.next_cursor, sort: "key" } },
});
assert.deepEqual(rest.data?.items.map((item) => item.title), ["Bread"]);
assert.equal(rest.data.next_cursor, null);
const { data: shown } = await client.GET("/api/v1/tasks/{task}", { params: onTask });
assert.deepEqual([shown?.title, shown?.priority, shown?.status], ["Oat milk", "high", "open"]);
const history = await client.GET("/api/v1/tasks/{task}/history", { params: onTask });
const first: Schemas["HistoryItem"] | undefined = history.data?.items.at(-1);
assert.equal(first?.type, "TaskCreated");
assert.deepEqual(first.changes["title"], [null, "Milk"]);
console.log(`${history.data?.items.length} events`);
