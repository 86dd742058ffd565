// Registers a number at a relay for development and says back to everybody what they say.
//
//     node interop/client/echo.mjs NUMBER [URL]

import { Client } from './client.mjs';

const [number, url = 'http://127.0.0.1:8443'] = process.argv.slice(2);
if (!number) {
  console.error('usage: node echo.mjs NUMBER [URL]');
  process.exit(2);
}

const client = await Client.register({ url, number });
client.on('content', async ({ from, content }) => {
  if (content.body !== 'text') return;
  await client.sendRead(from, [content.timestamp]);
  await client.sendText(from, content.text.body);
});
client.on('closed', (code) => {
  console.error(`the relay closed the socket: ${code}`);
  process.exit(1);
});
await client.connect();
console.log(`${number} says back what you say: account ${client.account} at ${url}`);
