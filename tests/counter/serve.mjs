// Answers questions of tests/counter/peer.py: one JSON line in, one JSON line out.
import { createInterface } from 'node:readline';

export async function serve(calls) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { call, given } = JSON.parse(line);
    let said;
    try {
      said = { answer: (await calls[call](given)) ?? null };
    } catch (error) {
      said = { error: `${call}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify(said) + '\n');
  }
}
