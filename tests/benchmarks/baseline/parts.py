#!/usr/bin/python3
"""Single parts of PPO and behavioural cloning, in PyTorch and numpy on one thread.

Prints one JSON object: microseconds of CPU time each, but for environment steps, which are counted by the second. Needs
Debian's python3-torch and python3-numpy."""

import argparse
import json
import statistics
import time

import numpy as np
import torch

import bc
import cartpole
import network
import ppo


def seconds_of(action, seconds):
    """The median CPU time of a call, called for about so long after a warm-up."""
    for _ in range(5):
        action()
    times = []
    end = time.thread_time() + seconds
    while (begin := time.thread_time()) < end or len(times) < 5:
        action()
        times.append(time.thread_time() - begin)
    return statistics.median(times)


def environment_steps(lanes, seconds):
    environments = cartpole.VectorCartPole(lanes, seed=0)
    actions = np.arange(lanes) % 2
    return lanes / seconds_of(lambda: environments.step(actions), seconds)


@torch.no_grad()
def inference(rows, seconds):
    actor, observations = network.make_actor(), torch.randn(rows, cartpole.OBSERVATION_SIZE)
    return 1e6 * seconds_of(lambda: actor(observations), seconds)


def ppo_minibatch(rows, seconds):
    trainer = ppo.Trainer(ppo.Options(slots=1))
    trainer.left = 1.0
    actions = torch.randint(cartpole.ACTIONS, (rows,))
    minibatch = (torch.randn(rows, cartpole.OBSERVATION_SIZE), actions, torch.full((rows,), -0.7), torch.randn(rows),
                 torch.randn(rows))
    return 1e6 * seconds_of(lambda: trainer.update_minibatch(*minibatch), seconds)


def bc_minibatch(rows, seconds):
    cloner = bc.Cloner(torch.randn(rows, cartpole.OBSERVATION_SIZE), torch.randint(cartpole.ACTIONS, (rows,)), seed=0,
                       minibatch_size=rows)
    return 1e6 * seconds_of(cloner.run_epoch, seconds)  # of one minibatch


PARTS = {"environment_step": (environment_steps, (64, 1024)), "inference": (inference, (64, 256, 1024)),
         "ppo_minibatch": (ppo_minibatch, (64, 256, 1024, 2048)), "bc_minibatch": (bc_minibatch, (64, 256, 1024))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example:\n  parts.py --seconds 1")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    print(json.dumps({f"{name}/{size}": measure(size, seconds) for name, (measure, sizes) in PARTS.items()
                      for size in sizes}))


if __name__ == "__main__":
    main()
