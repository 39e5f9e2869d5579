"""A network with a round trip of 10 ms: relay.py PORT TARGET. Sends each piece of data on after 5 ms."""

import asyncio
import sys

DELAY = 0.005


async def copy(reader, writer):
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        loop.call_later(DELAY, writer.write, data)
    await asyncio.sleep(DELAY)
    writer.close()


async def serve(reader, writer):
    try:
        there = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
    except OSError:
        writer.close()


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=100) as server:
        await server.serve_forever()


asyncio.run(main())
