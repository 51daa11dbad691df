#!/usr/bin/python3
"""Behavioural cloning in one process: a bare PyTorch loop over shuffled minibatches, with Understudy's
hyper-parameters.

Prints one JSON object. Needs Debian's python3-torch and python3-numpy."""

import argparse
import json
import time

import torch
from torch import nn

import network


class Cloner:
    def __init__(self, observations, actions, seed, minibatch_size=256, learning_rate=0.0015, weight_decay=0.0001):
        torch.manual_seed(seed)
        self.observations, self.actions = observations, actions
        self.minibatch_size = minibatch_size
        self.actor = network.make_actor()
        self.optimizer = torch.optim.AdamW(self.actor.parameters(), lr=learning_rate, eps=1e-8,
                                           weight_decay=weight_decay)

    def run_epoch(self):
        for chosen in torch.randperm(len(self.actions)).split(self.minibatch_size):
            loss = nn.functional.cross_entropy(self.actor(self.observations[chosen]), self.actions[chosen])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()


def measure(samples, epochs, minibatch_size, seed):
    """Samples per second from the end of the first epoch to the end of the last. What is cloned does not matter to
    that: here, a rule that pushes towards where the pole is falling."""
    observations = torch.from_numpy(network.record(network.make_actor(), samples, seed)[0].numpy().copy())
    actions = (observations @ torch.tensor([0.05, 0.1, 1.0, 0.5]) > 0).long()
    cloner = Cloner(observations, actions, seed, minibatch_size)
    ends = []
    for _ in range(epochs):
        cloner.run_epoch()
        ends.append(time.perf_counter())
    with torch.no_grad():
        accuracy = (cloner.actor(observations).argmax(dim=1) == actions).float().mean().item()
    return {"samples_per_second": (epochs - 1) * samples / (ends[-1] - ends[0]), "accuracy": accuracy}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example:\n  bc.py --minibatch_size 64 --samples 10000 --epochs 20")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--epochs", type=int, default=20, help="at least 2: the first is not timed")
    parser.add_argument("--minibatch_size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("--epochs: expected at least 2")
    torch.set_num_threads(arguments.threads)
    print(json.dumps(measure(arguments.samples, arguments.epochs, arguments.minibatch_size, arguments.seed)))


if __name__ == "__main__":
    main()
