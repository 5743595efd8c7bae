// pino_lines.mjs COUNT: what a service that logs with pino writes to its standard output.
import pino from 'pino';

const log = pino(pino.destination({ dest: 1, sync: true }));
const child = log.child({ service: 'checkout', reqId: 'req-42' });
for (let n = 0; n < Number(process.argv[2]); n++) {
  if (n % 5 === 4) child.error({ err: new Error(`no stock for item ${n}`), n }, 'order failed');
  else child.info({ n, amount: n * 1.5 }, 'order placed');
}
