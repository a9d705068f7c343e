"""Many clients of a server at once, each of which asks again as soon as it has its answer."""

import asyncio
import time

import httpx
import numpy as np


async def _client(address: str, names: list[str], until: float) -> list[tuple[float, int]]:
    """The seconds and the status of each answer that one client got."""
    answers = []
    async with httpx.AsyncClient(timeout=60) as client:
        while (began := time.monotonic()) < until:
            name = names[len(answers) % len(names)]
            answer = await client.post(address, json={"inputs": [name]})
            answers.append((time.monotonic() - began, answer.status_code))
    return answers


def load(
    address: str, names: list[str], clients: int = 64, seconds: float = 60
) -> dict[str, float]:
    """How many answers came, how many of them were errors, and how long they took (ms)."""

    async def every() -> list[list[tuple[float, int]]]:
        until = time.monotonic() + seconds
        return await asyncio.gather(*(_client(address, names, until) for _ in range(clients)))

    answers = [answer for some in asyncio.run(every()) for answer in some]
    times = 1000 * np.array([took for took, _ in answers])
    return {
        "answers": len(answers),
        "errors": sum(status != 200 for _, status in answers),
        "p50": float(np.percentile(times, 50)),
        "p99": float(np.percentile(times, 99)),
    }
