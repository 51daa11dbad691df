#!/usr/bin/python3
"""Vectorised PPO on CartPole-v1 in one process, as PyTorch's users write it, with Understudy's hyper-parameters.

Prints one JSON object. Needs Debian's python3-torch and python3-numpy."""

import argparse
import json
import time
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import nn

import cartpole
import network


@dataclass
class Options:
    """Defaults are those of `understudy experiments keys`."""
    seed: int = 0
    environment_steps: int = 153600
    slots: int = 32
    steps_per_slot: int = 32
    epochs: int = 10
    minibatch_size: int = 256
    learning_rate: float = 0.001
    clip: float = 0.2
    gamma: float = 0.98
    gae_lambda: float = 0.8
    value_coefficient: float = 0.5
    max_gradient_norm: float = 0.5

    @property
    def batch_size(self):
        return self.slots * self.steps_per_slot

    @property
    def iterations(self):
        return self.environment_steps // self.batch_size


class Trainer:
    """Learning rate and clip fall linearly to 0; advantages are normalised by minibatch; truncated episodes are
    bootstrapped with the value of the observation that they ended at."""

    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        self.actor, self.critic = network.make_actor(), network.make_critic()
        self.parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=options.learning_rate, eps=1e-8)
        self.environments = cartpole.VectorCartPole(options.slots, options.seed)
        self.observations = self.environments.observe()

    def iterate(self, iteration):
        """`iteration`: 0, 1, 2 …"""
        self.left = max(0.0, 1 - iteration * self.options.batch_size / self.options.environment_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * self.left
        self.update(*self.roll_out())

    @torch.no_grad()
    def roll_out(self):
        steps, slots = self.options.steps_per_slot, self.options.slots
        observations = torch.empty(steps + 1, slots, cartpole.OBSERVATION_SIZE)
        actions = torch.empty(steps, slots, dtype=torch.int64)
        log_probs = torch.empty(steps, slots)
        rewards = torch.ones(steps, slots)
        ended = torch.zeros(steps, slots)
        for t in range(steps):
            observations[t] = torch.from_numpy(self.observations)
            distribution = torch.distributions.Categorical(logits=self.actor(observations[t]), validate_args=False)
            actions[t] = distribution.sample()
            log_probs[t] = distribution.log_prob(actions[t])
            self.observations, final, terminated, truncated = self.environments.step(actions[t].numpy())
            cut = truncated & ~terminated
            if cut.any():
                rewards[t, cut] += self.options.gamma * self.critic(torch.from_numpy(final[cut])).squeeze(1)
            ended[t] = torch.from_numpy(terminated | truncated)
        observations[steps] = torch.from_numpy(self.observations)
        values = self.critic(observations).squeeze(2)
        advantages = self.estimate_advantages(rewards, values, ended)
        returns = advantages + values[:-1]
        return (observations[:-1].flatten(0, 1), actions.flatten(), log_probs.flatten(), advantages.flatten(),
                returns.flatten())

    def estimate_advantages(self, rewards, values, ended):
        advantages = torch.empty_like(rewards)
        running = torch.zeros(rewards.shape[1])
        goes_on = self.options.gamma * (1 - ended)
        errors = rewards + goes_on * values[1:] - values[:-1]
        decay = self.options.gae_lambda * goes_on
        for t in reversed(range(len(rewards))):
            running = errors[t] + decay[t] * running
            advantages[t] = running
        return advantages

    def update(self, observations, actions, log_probs, advantages, returns):
        for _ in range(self.options.epochs):
            order = torch.randperm(len(actions))
            for chosen in order.split(self.options.minibatch_size):
                self.update_minibatch(observations[chosen], actions[chosen], log_probs[chosen], advantages[chosen],
                                      returns[chosen])

    def update_minibatch(self, observations, actions, old_log_probs, advantages, returns):
        clip = self.options.clip * self.left
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        distribution = torch.distributions.Categorical(logits=self.actor(observations), validate_args=False)
        ratio = (distribution.log_prob(actions) - old_log_probs).exp()
        policy_loss = -torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()
        value_loss = (self.critic(observations).squeeze(1) - returns).square().mean()
        loss = policy_loss + self.options.value_coefficient * value_loss
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.options.max_gradient_norm)
        self.optimizer.step()


def measure(options):
    """Steps per second from the end of the first iteration to the end of the last, and how well it learned."""
    trainer = Trainer(options)
    ends = []
    for iteration in range(options.iterations):
        trainer.iterate(iteration)
        ends.append(time.perf_counter())
    measured = (len(ends) - 1) * options.batch_size / (ends[-1] - ends[0]) if len(ends) > 1 else None
    return {"steps_per_second": measured, "mean_return": network.mean_return(trainer.actor, 100, options.seed + 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example:\n  ppo.py --seed 1 --slots 64 --steps_per_slot 128")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    for field in fields(Options):
        parser.add_argument(f"--{field.name}", type=field.type, default=field.default)
    arguments = vars(parser.parse_args())
    torch.set_num_threads(arguments.pop("threads"))
    print(json.dumps(measure(Options(**arguments))))


if __name__ == "__main__":
    main()
