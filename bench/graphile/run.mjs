// SPDX-License-Identifier: MIT
//
// No-op jobs through graphile-worker, at the settings of its page on
// performance: a local queue of 500, jobs completed in batches without delay, a
// connection for each worker and one more. The jobs are there before the clock
// starts; it ends when the table is empty.
//
// usage: node run.mjs --url URL --jobs N --workers W [--latency]   -> one line of JSON
//
// --latency: an idle worker; from add_job sent to its task started, N times.
import { EventEmitter, once } from "node:events";
import { parseArgs } from "node:util";
import { setTimeout } from "node:timers/promises";
import { Logger, run, runMigrations } from "graphile-worker";
import pg from "pg";

const PAUSE_MS = 4;
const PROBE_MS = 2;
const WARM_UP = 20;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    jobs: { type: "string", default: "100000" },
    workers: { type: "string", default: "32" },
    latency: { type: "boolean", default: false },
  },
});
const jobs = Number(values.jobs);
const workers = Number(values.workers);

const quiet = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});
const preset = {
  worker: {
    connectionString: values.url,
    concurrentJobs: workers,
    maxPoolSize: workers + 1,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger: quiet,
  },
};

async function isEmpty(client) {
  const { rows } = await client.query("SELECT 1 FROM graphile_worker._private_jobs LIMIT 1");
  return rows.length === 0;
}

async function fill(client) {
  await client.query(
    `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
       SELECT json_populate_record(NULL::graphile_worker.job_spec,
                                   json_build_object('identifier', 'noop', 'payload', json_build_object('n', n)))
         FROM generate_series(1, $1::integer) AS n))`,
    [jobs],
  );
  await client.query("VACUUM ANALYZE graphile_worker._private_jobs");
}

async function drain(client) {
  await fill(client);
  let started = 0;
  let finish;
  const allStarted = new Promise((resolve) => (finish = resolve));
  const noop = () => {
    if (++started === jobs) finish();
  };

  const start = process.hrtime.bigint();
  const runner = await run({ preset, taskList: { noop }, noHandleSignals: true });
  await allStarted;
  while (!(await isEmpty(client))) await setTimeout(PROBE_MS);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;

  await runner.stop();
  return { jobs_per_s: Math.round(jobs / seconds) };
}

function percentile(times, p) {
  return Math.round(times[Math.floor(((times.length - 1) * p) / 100)]);
}

async function latency(client) {
  let onStart;
  const noop = () => onStart(process.hrtime.bigint());
  const events = new EventEmitter();
  const listening = once(events, "pool:listen:success");
  const runner = await run({ preset: { worker: { ...preset.worker, events } }, taskList: { noop }, noHandleSignals: true });
  await listening;

  const times = [];
  for (let turn = -WARM_UP; turn < jobs; turn++) {
    await setTimeout(PAUSE_MS + Math.random());
    const started = new Promise((resolve) => (onStart = resolve));
    const sent = process.hrtime.bigint();
    await client.query({ name: "add", text: "SELECT graphile_worker.add_job('noop', '{}'::json)" });
    const took = Number((await started) - sent) / 1e3;
    if (turn >= 0) times.push(took);
  }
  await runner.stop();
  times.sort((a, b) => a - b);
  return { started_p50_us: percentile(times, 50), started_p99_us: percentile(times, 99) };
}

const client = new pg.Client({ connectionString: values.url });
await client.connect();
try {
  await runMigrations({ preset });
  const found = await (values.latency ? latency(client) : drain(client));
  console.log(JSON.stringify({ bench: "graphile", jobs, workers, ...found }));
} finally {
  await client.end();
}
