"""CartPole's dynamics in double precision, from the equations of Barto, Sutton & Anderson (1983) with the constants that
Gymnasium documents: written for the tests alone, without a look at the C++."""

import math
import struct

TAU = 0.02


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def step(state, action):
    """One Euler step of 20 ms; returns the new state and whether the episode terminated."""
    x, x_dot, theta, theta_dot = state
    force = 10.0 if action == 1 else -10.0
    gravity, cart, pole, half_length = 9.8, 1.0, 0.1, 0.5
    total = cart + pole
    sine, cosine = math.sin(theta), math.cos(theta)
    push = (force + pole * half_length * theta_dot ** 2 * sine) / total
    theta_acc = (gravity * sine - cosine * push) / (half_length * (4.0 / 3.0 - pole * cosine ** 2 / total))
    x_acc = push - pole * half_length * theta_acc * cosine / total
    state = (x + TAU * x_dot, x_dot + TAU * x_acc, theta + TAU * theta_dot, theta_dot + TAU * theta_acc)
    fell = abs(state[0]) > 2.4 or abs(state[2]) > 12 * 2 * math.pi / 360
    return state, fell
