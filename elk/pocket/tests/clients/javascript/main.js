// What users of the official client do, against the store at the address in the first argument.

import assert from "node:assert/strict";
import { Client, errors } from "@elastic/elasticsearch";

const client = new Client({ node: process.argv[2] });
const stream = "logs-app-javascript";
const start = Date.UTC(2026, 0, 1);
const documents = Array.from({ length: 1000 }, (_, number) => ({
  id: `n${number}`,
  "@timestamp": new Date(start + number * 1000).toISOString(),
  message: `request ${number} took long`,
  service: { name: number % 2 ? "stock" : "shop" },
  event: { duration: number * 1000 },
}));

assert.equal(await client.ping(), true);
assert.match((await client.info()).version.number, /^8\./);

await client.indices.putIndexTemplate({
  name: "app",
  index_patterns: ["logs-app-*"],
  priority: 500,
  data_stream: {},
  template: {
    mappings: {
      properties: {
        message: { type: "text" },
        service: { properties: { name: { type: "keyword" } } },
        event: { properties: { duration: { type: "long" } } },
      },
    },
  },
});

// The helper retries what is answered with 429 and drops what is refused: each document again is a conflict.
const store = async () => {
  const refused = [];
  const { successful } = await client.helpers.bulk({
    datasource: documents,
    flushBytes: 60_000,
    onDocument: ({ id, ...document }) => [{ create: { _index: stream, _id: id } }, document],
    onDrop: ({ status }) => refused.push(status),
    refreshOnCompletion: stream,
  });
  return { successful, refused };
};
assert.deepEqual(await store(), { successful: 1000, refused: [] });
const again = await store();
assert.equal(again.successful, 0);
assert.deepEqual(new Set(again.refused), new Set([409]));

assert.equal((await client.count({ index: "logs-app-*" })).count, 1000);
const found = await client.search({
  index: "logs-*",
  query: { bool: { filter: [{ term: { "service.name": "shop" } }, { range: { "event.duration": { lt: 20_000 } } }] } },
  sort: [{ "@timestamp": "desc" }],
  size: 3,
  track_total_hits: true,
  aggs: {
    services: { terms: { field: "service.name" }, aggs: { mean: { avg: { field: "event.duration" } } } },
  },
});
assert.deepEqual(found.hits.total, { value: 10, relation: "eq" });
assert.deepEqual(found.hits.hits.map((hit) => hit._id), ["n18", "n16", "n14"]);
assert.deepEqual(
  found.aggregations.services.buckets.map(({ key, doc_count, mean }) => [key, doc_count, mean.value]),
  [["shop", 10, 9000]],
);

const several = await client.msearch({
  searches: [{ index: stream }, { size: 0, query: { match: { message: "999" } } }, { index: "none" }, { size: 0 }],
});
assert.equal(several.responses[0].hits.total.value, 1);
assert.equal(several.responses[1].status, 404);

await client.index({ index: "notes", id: "1", document: { state: "open" }, refresh: true });
await client.update({ index: "notes", id: "1", doc: { state: "closed" }, refresh: true });
assert.deepEqual((await client.get({ index: "notes", id: "1" }))._source, { state: "closed" });
await assert.rejects(
  client.create({ index: "notes", id: "1", document: {} }),
  (error) => error instanceof errors.ResponseError && error.statusCode === 409,
);
await client.delete({ index: "notes", id: "1", refresh: true });
assert.equal(await client.exists({ index: "notes", id: "1" }), false);

await client.indices.delete({ index: "notes" });
await client.indices.deleteDataStream({ name: stream });
await client.indices.deleteIndexTemplate({ name: "app" });
assert.equal(await client.indices.exists({ index: stream }), false);
await client.close();
console.log("done");
