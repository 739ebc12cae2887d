// SPDX-License-Identifier: MIT
//
// No-op jobs through plainjob, at the settings it brings along: WAL,
// synchronous NORMAL, no results. As in the bench of its own repository the
// workers live in one process and one connection.
//
// usage: node run.mjs --jobs N --workers W --dir FOLDER   -> one line of JSON
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { JobStatus, better, defineQueue, defineWorker } from "plainjob";

const CHUNK = 1000;
const quiet = { error: console.error, warn() {}, info() {}, debug() {} };

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "20000" },
    workers: { type: "string", default: "32" },
    dir: { type: "string", default: "." },
  },
});
const jobs = Number(values.jobs);
const count = Number(values.workers);

function fill(queue) {
  for (let first = 0; first < jobs; first += CHUNK) {
    const params = Array.from({ length: Math.min(CHUNK, jobs - first) }, (_, i) => ({ n: first + i }));
    queue.addMany("noop", params);
  }
}

async function drain(queue) {
  let done = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const options = {
    queue,
    logger: quiet,
    pollIntervall: 10,
    onCompleted: () => {
      if (++done === jobs) finish();
    },
  };
  const workers = Array.from({ length: count }, () => defineWorker("noop", async () => {}, options));

  const start = process.hrtime.bigint();
  const ends = workers.map((worker) => worker.start());
  await finished;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;

  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(ends);
  return seconds;
}

const dir = mkdtempSync(join(resolve(values.dir), "plainjob-"));
try {
  const queue = defineQueue({ connection: better(new Database(join(dir, "plainjob.db"))), logger: quiet });
  fill(queue);
  const seconds = await drain(queue);
  const completed = queue.countJobs({ status: JobStatus.Done });
  queue.close();
  if (completed !== jobs) throw new Error(`${completed} of ${jobs} jobs are done`);
  console.log(JSON.stringify({ bench: "plainjob", jobs, workers: count, jobs_per_s: Math.round(jobs / seconds) }));
} finally {
  rmSync(dir, { recursive: true });
}
