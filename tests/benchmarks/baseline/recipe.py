#!/usr/bin/python3
"""What deploy/experiments/cartpole.yaml does, in one process: PPO to a mean return of 475 over 100 greedy episodes,
10,000 of its transitions, behavioural cloning to the same, evaluation.

Prints one JSON object; its whole command is what is timed. Needs Debian's python3-torch and python3-numpy."""

import argparse
import json

import torch

import bc
import network
import ppo

STOP_RETURN = 475
EPISODES = 100
PPO_INTERVAL = 5   # iterations between two evaluations
BC_INTERVAL = 10   # epochs between two evaluations
BC_EPOCHS = 200


def train_expert(seed):
    options = ppo.Options(seed=seed)
    trainer = ppo.Trainer(options)
    for iteration in range(options.iterations):
        trainer.iterate(iteration)
        due = (iteration + 1) % PPO_INTERVAL == 0 or iteration + 1 == options.iterations
        if due and network.mean_return(trainer.actor, EPISODES, seed + iteration + 1) >= STOP_RETURN:
            return trainer.actor, True
    return trainer.actor, False


def clone(expert, seed):
    cloner = bc.Cloner(*network.record(expert, 10000, seed), seed)
    for epoch in range(BC_EPOCHS):
        cloner.run_epoch()
        due = (epoch + 1) % BC_INTERVAL == 0
        if due and network.mean_return(cloner.actor, EPISODES, seed + epoch + 1) >= STOP_RETURN:
            return cloner.actor, True
    return cloner.actor, False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example:\n  recipe.py --seed 3")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    expert, expert_converged = train_expert(arguments.seed)
    student, clone_converged = clone(expert, arguments.seed)
    print(json.dumps({"expert_converged": expert_converged, "clone_converged": clone_converged,
                      "mean_return": network.mean_return(student, EPISODES, arguments.seed)}))


if __name__ == "__main__":
    main()
