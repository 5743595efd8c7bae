// opensearch_bulk.mjs URL INDEX COUNT: the same through OpenSearch's client.
import { Client } from '@opensearch-project/opensearch';

const [url, index, count] = process.argv.slice(2);
const client = new Client({ node: url });
const datasource = Array.from({ length: Number(count) }, (_, n) => ({ '@timestamp': new Date(1700000000000 + n).toISOString(), n, message: `opensearch ${n}` }));
const statistics = await client.helpers.bulk({ datasource, onDocument: () => ({ index: { _index: index } }) });
console.log(JSON.stringify(statistics));
await client.close();
