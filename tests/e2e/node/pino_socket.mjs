// pino_socket.mjs PORT COUNT: a service whose pino sends lines over TCP by its transport pino-socket.
import pino from 'pino';

const [, , port, count] = process.argv;
const transport = pino.transport({ target: 'pino-socket', options: { address: '127.0.0.1', port: Number(port), mode: 'tcp', reconnect: false } });
const log = pino({ base: { service: 'checkout' } }, transport);
for (let n = 0; n < Number(count); n++) {
  if (n % 5 === 4) log.error({ err: new Error(`no stock for item ${n}`), n }, 'order failed');
  else log.info({ n }, 'order placed');
}
