// SPDX-License-Identifier: MIT
//
// No-op jobs through pg-boss: fetched 500 at a time and completed 500 at a time,
// by two loops, so that one works while the other's commit is under way. The
// jobs are there before the clock starts.
//
// usage: node run.mjs --url URL --jobs N   -> one line of JSON
import { parseArgs } from "node:util";
import { PgBoss } from "pg-boss";

const QUEUE = "noop";
const BATCH = 500;
const CHUNK = 5000;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    jobs: { type: "string", default: "50000" },
    loops: { type: "string", default: "2" },
  },
});
const jobs = Number(values.jobs);
const loops = Number(values.loops);

async function fill(boss) {
  for (let first = 0; first < jobs; first += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, jobs - first) }, (_, i) => ({ data: { n: first + i } }));
    await boss.insert(QUEUE, chunk);
  }
}

async function loop(boss) {
  let done = 0;
  for (;;) {
    const batch = await boss.fetch(QUEUE, { batchSize: BATCH });
    if (batch.length === 0) return done;
    await boss.complete(QUEUE, batch.map((job) => job.id), { ok: true });
    done += batch.length;
  }
}

const boss = new PgBoss({ connectionString: values.url, max: loops + 1, supervise: false, schedule: false });
boss.on("error", (error) => console.error(error));
await boss.start();
try {
  await boss.createQueue(QUEUE);
  await fill(boss);
  const start = process.hrtime.bigint();
  const done = await Promise.all(Array.from({ length: loops }, () => loop(boss)));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const sum = done.reduce((a, b) => a + b);
  if (sum !== jobs) throw new Error(`${sum} of ${jobs} jobs are done`);
  console.log(JSON.stringify({ bench: "pgboss", jobs, batch: BATCH, loops, jobs_per_s: Math.round(jobs / seconds) }));
} finally {
  await boss.stop();
}
