// es_bulk.mjs URL INDEX COUNT: writes COUNT documents through the official client's bulk helper and prints its statistics.
import { Client } from '@elastic/elasticsearch';

const [url, index, count] = process.argv.slice(2);
const client = new Client({ node: url });
const info = await client.info();

async function* documents() {
  for (let n = 0; n < Number(count); n++) {
    yield { '@timestamp': new Date(1700000000000 + n).toISOString(), n, level: n % 10 ? 'info' : 'error', message: `document number ${n} from the helper` };
  }
}

const dropped = [];
const statistics = await client.helpers.bulk({
  datasource: documents(),
  onDocument: () => ({ create: { _index: index } }),
  onDrop: (doc) => dropped.push(doc),
});
const single = await client.index({ index, id: 'one', document: { '@timestamp': '2023-11-14T22:13:20Z', n: -1, message: 'a single document' } });
const count_answer = await client.count({ index });
console.log(JSON.stringify({ ...statistics, dropped: dropped.length, tagline: info.tagline, single: single.result, count: count_answer.count }));
await client.close();
