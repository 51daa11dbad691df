#!/usr/bin/env python3
"""Prints the hashes that dense_test.cc and mlp_test.cc expect: the same arithmetic, one float operation at a time.

A product, sum or quotient of two floats that is computed in double and then rounded to float is rounded correctly. A fused
multiply-add is computed exactly, as a fraction, and rounded once.
"""

import hashlib
import struct
from fractions import Fraction


def f(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def fma(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    near = f(float(exact))
    # Rounded twice, to double and to float: where that may matter, the neighbours decide.
    bits = struct.unpack("<i", struct.pack("<f", near))[0]
    candidates = [near] + [struct.unpack("<f", struct.pack("<i", bits + d))[0] for d in (-1, 1) if near]
    error = min(abs(Fraction(x) - exact) for x in candidates)
    closest = [x for x in candidates if abs(Fraction(x) - exact) == error]
    return min(closest, key=lambda x: struct.unpack("<i", struct.pack("<f", x))[0] & 1)  # ties to even


def sha256(floats):
    return hashlib.sha256(struct.pack(f"<{len(floats)}f", *floats)).hexdigest()


def horner(coefficients, u):
    result = f(coefficients[0])
    for coefficient in coefficients[1:]:
        result = fma(result, u, f(coefficient))
    return result


P = (5.0898080330739294e-8, 3.1630368591433316e-5, 4.0104803121013341e-3, 0.13786929553650818, 1.0)
Q = (7.4006599543640076e-10, 1.6205941663018984e-6, 4.2109192166145765e-4, 2.7744699924273514e-2,
     0.47120262270667094, 1.0)


def tanh(x):
    x = max(-f(9.02), min(f(9.02), x))
    u = f(x * x)
    return max(-1.0, min(1.0, f(f(x * horner(P, u)) / horner(Q, u))))


def dot(left, right):
    sums = [0.0] * 16
    padding = -len(left) % 16
    for p, (x, w) in enumerate(zip(left + [0.0] * padding, right + [0.0] * padding)):
        sums[p % 16] = fma(x, w, sums[p % 16])
    while len(sums) > 1:
        half = len(sums) // 2
        sums = [f(a + b) for a, b in zip(sums[:half], sums[half:])]
    return sums[0]


def dense(inputs, weights, bias):
    count, outputs = len(weights) // len(bias), []
    if len(bias) < 8:
        return [f(b + dot(inputs[start:start + count], weights[j::len(bias)]))
                for start in range(0, len(inputs), count) for j, b in enumerate(bias)]
    for start in range(0, len(inputs), count):
        sums = list(bias)
        for i, x in enumerate(inputs[start:start + count]):
            row = weights[i * len(bias):(i + 1) * len(bias)]
            sums = [fma(x, w, a) for a, w in zip(sums, row)]
        outputs += sums
    return outputs


def mlp():
    """Logits, then values, of 64 rows: 4 → 64 → 64 → 2 and 1, tanh, separate trunks."""
    parameters = iter(((j * 37 % 101) - 50) / 256 for j in range(10**6))
    results = []
    for head in (2, 1):
        features = [((j * 53 % 97) - 48) / 32 for j in range(64 * 4)]
        for inputs, outputs in ((4, 64), (64, 64), (64, head)):
            weights = [next(parameters) for _ in range(inputs * outputs)]
            features = dense(features, weights, [next(parameters) for _ in range(outputs)])
            if outputs == 64:
                features = [tanh(x) for x in features]
        results += features
    return results


print("tanh", sha256([tanh(i / 256) for i in range(-2560, 2561)]))
print("mlp ", sha256(mlp()))
