"""Actor and critic with hidden layers of their own, and episodes played with them."""

import numpy as np
import torch
from torch import nn

import cartpole


def _layer(inputs, outputs, gain):
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def mlp(outputs, head_gain, width=64):
    return nn.Sequential(_layer(cartpole.OBSERVATION_SIZE, width, 2 ** 0.5), nn.Tanh(),
                         _layer(width, width, 2 ** 0.5), nn.Tanh(),
                         _layer(width, outputs, head_gain))


def make_actor():
    return mlp(cartpole.ACTIONS, head_gain=0.01)


def make_critic():
    return mlp(1, head_gain=1.0)


@torch.no_grad()
def mean_return(actor, episodes, seed):
    """Of `episodes` greedy episodes, one a lane."""
    environments = cartpole.VectorCartPole(episodes, seed)
    observations = environments.observe()
    returns = np.zeros(episodes)
    running = np.ones(episodes, dtype=bool)
    while running.any():
        actions = actor(torch.from_numpy(observations)).argmax(dim=1).numpy()
        observations, _, terminated, truncated = environments.step(actions)
        returns += running
        running &= ~(terminated | truncated)
    return float(returns.mean())


@torch.no_grad()
def record(actor, transitions, seed, lanes=64):
    """Observations and sampled actions of at least so many transitions."""
    environments = cartpole.VectorCartPole(lanes, seed)
    observations = environments.observe()
    kept = []
    for _ in range(-(-transitions // lanes)):
        logits = actor(torch.from_numpy(observations))
        actions = torch.distributions.Categorical(logits=logits).sample()
        kept.append((observations, actions))
        observations = environments.step(actions.numpy())[0]
    return (torch.from_numpy(np.concatenate([step[0] for step in kept])[:transitions]),
            torch.cat([step[1] for step in kept])[:transitions])
