"""CartPole-v1, many at once, on numpy: the equations of Barto, Sutton & Anderson (1983) with Gymnasium's constants."""

import numpy as np

OBSERVATION_SIZE = 4
ACTIONS = 2
MAX_EPISODE_STEPS = 500

GRAVITY, CART, POLE, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5
FORCE, TAU = 10.0, 0.02
MAX_POSITION, MAX_ANGLE = 2.4, 12 * 2 * np.pi / 360
TOTAL = CART + POLE
POLE_MOMENT = POLE * HALF_LENGTH


class VectorCartPole:
    """Lanes are reset as soon as their episode ends; what they ended at is in `final`."""

    def __init__(self, lanes, seed):
        self.random = np.random.default_rng(seed)
        self.state = np.empty((4, lanes))  # position, velocity, angle, angular velocity
        self.steps = np.zeros(lanes, dtype=np.int64)
        self.reset(np.arange(lanes))

    def reset(self, lanes):
        self.state[:, lanes] = self.random.uniform(-0.05, 0.05, (4, len(lanes)))
        self.steps[lanes] = 0

    def observe(self):
        return self.state.T.astype(np.float32)

    def step(self, actions):
        """Returns the next observations, the observations before any reset, and who terminated and who was truncated.
        Every reward is 1."""
        x, x_dot, theta, theta_dot = self.state
        sine, cosine = np.sin(theta), np.cos(theta)
        push = (np.where(actions == 1, FORCE, -FORCE) + POLE_MOMENT * theta_dot ** 2 * sine) / TOTAL
        theta_acc = (GRAVITY * sine - cosine * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine ** 2 / TOTAL))
        x_acc = push - POLE_MOMENT * theta_acc * cosine / TOTAL
        self.state = np.stack([x + TAU * x_dot, x_dot + TAU * x_acc, theta + TAU * theta_dot,
                               theta_dot + TAU * theta_acc])
        self.steps += 1
        terminated = (np.abs(self.state[0]) > MAX_POSITION) | (np.abs(self.state[2]) > MAX_ANGLE)
        truncated = self.steps >= MAX_EPISODE_STEPS
        observations = final = self.observe()
        ended = np.flatnonzero(terminated | truncated)
        if len(ended):
            self.reset(ended)
            observations = final.copy()
            observations[ended] = self.state[:, ended].T
        return observations, final, terminated, truncated
